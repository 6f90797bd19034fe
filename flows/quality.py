"""Every asset folder checked again, files included: nightly, or `python -m flows.quality OUT`."""

import argparse
import sys
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from containers.common import storage
from containers.common.errors import UserError
from tasks.asset.bucket import Location, location
from tasks.checks.store import StoreCheck, check_store
from tasks.checks.verdicts import Quality


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 no critical rule is broken, 1 one is, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.quality",
        description="Check every asset folder and the indexes of OUT, look for drift, and write Data Docs.",
    )
    parser.add_argument("output", type=location, metavar="OUT", help="folder of asset folders, or s3:// URI")
    parser.add_argument(
        "--days", type=int, default=28, help="what counts as recent when looking for drift (%(default)s)"
    )
    parser.add_argument(
        "--new-baseline", action="store_true", help="compare with what is there today from now on"
    )
    chosen = parser.parse_args(arguments)
    try:
        found = check_store(chosen.output, chosen.days, chosen.new_baseline)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    for verdict in [*found.quality.blocked, *found.quality.warnings]:
        print(f"{verdict.severity}: {verdict.sentence}")
    print(_summary(found))
    return 1 if found.quality.blocked else 0


@flow(name="quality", flow_run_name="{output}")
def quality(output: Location = Path("out"), days: int = 28, new_baseline: bool = False) -> Quality:
    """Checks every asset folder below `output` and writes Data Docs and drift to `output`/quality.

    Args:
        output: folder or s3:// prefix of asset folders.
        days: what counts as recent.
        new_baseline: compare with today's store from now on.

    Raises UserError when a critical rule is broken, with the asset, the rule and the first row.
    """
    found = check_store(output, days, new_baseline)
    checked = found.quality
    get_run_logger().info(_summary(found))
    broken = [*checked.blocked, *checked.warnings]
    create_table_artifact([each.model_dump(mode="json") for each in broken], key="quality-broken")
    page = f"[Rules, drift and Data Docs]({storage.as_uri(found.page)}), in `{found.page}`"
    create_markdown_artifact(page, key="quality-docs")
    if checked.blocked:
        raise UserError("; ".join(each.sentence for each in checked.blocked[:5]) + ".")
    return checked


def _summary(found: StoreCheck) -> str:
    quality = found.quality
    return (
        f"{len(quality.verdicts)} rules, {len(quality.blocked)} critical and "
        f"{len(quality.warnings)} others broken: {found.page}"
    )


if __name__ == "__main__":
    sys.exit(main())
