"""Every asset folder checked again, files included: nightly, or `python -m flows.quality OUT`."""

import argparse
import json
import sys
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from containers.common.errors import MediaError, UserError
from tasks.asset import MANIFEST
from tasks.checks.check import document_tables
from tasks.checks.tables import Tables, join, tables_of
from tasks.checks.verdicts import Quality


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 no critical rule is broken, 1 one is, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.quality", description="Check every asset folder of OUT and write Data Docs."
    )
    parser.add_argument("output", type=Path, metavar="OUT", help="folder of asset folders")
    output = parser.parse_args(arguments).output
    try:
        checked, page = check_store(output)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    for verdict in [*checked.blocked, *checked.warnings]:
        print(f"{verdict.severity}: {verdict.sentence}")
    print(
        f"{len(checked.verdicts)} rules, {len(checked.blocked)} critical and "
        f"{len(checked.warnings)} others broken: {page}"
    )
    return 1 if checked.blocked else 0


@flow(name="quality", flow_run_name="{output}")
def quality(output: Path = Path("out")) -> Quality:
    """Checks every asset folder below `output` and writes Data Docs to `output`/quality.

    Raises UserError when a critical rule is broken, with the asset, the rule and the first row.
    """
    checked, page = check_store(output)
    broken = [*checked.blocked, *checked.warnings]
    get_run_logger().info("%s rules, %s broken: %s", len(checked.verdicts), len(broken), page)
    create_table_artifact([each.model_dump(mode="json") for each in broken], key="quality-broken")
    create_markdown_artifact(f"[Data Docs]({page.as_uri()}), in `{page}`", key="quality-docs")
    if checked.blocked:
        raise UserError("; ".join(each.sentence for each in checked.blocked[:5]) + ".")
    return checked


def check_store(output: Path) -> tuple[Quality, Path]:
    """The verdicts over all asset folders together, and the first page of the Data Docs.

    Raises MediaError when there is no asset folder.
    """
    folders = sorted(path.parent for path in output.glob(f"*/{MANIFEST}"))
    if not folders:
        raise MediaError(f"There is no asset folder in {output}.")
    return document_tables(join([_tables(folder) for folder in folders]), output.absolute() / "quality")


def _tables(folder: Path) -> Tables:
    documents = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    manifest = json.loads(documents[MANIFEST])
    return tables_of(folder.name, documents, folder / "embeddings.parquet", manifest, folder)


if __name__ == "__main__":
    sys.exit(main())
