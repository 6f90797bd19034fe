"""Every asset folder checked again, files included: nightly, or `python -m flows.quality OUT`."""

import argparse
import sys
from typing import cast

from prefect import flow, get_run_logger
from prefect.runtime import flow_run

from containers.common.errors import NothingThere, UserError
from flows.runs.artifacts import create_markdown_artifact, create_table_artifact
from flows.runs.forms import Place, own_name_or
from flows.runs.nothing import nothing_to_do
from flows.service.results import link_to
from tasks.asset.bucket import location
from tasks.checks.store import FOLDER, StoreCheck, check_store
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


@flow(name="quality", flow_run_name=own_name_or(lambda: flow_run.parameters["output"]))
def quality(output: Place = "out", days: int = 28, new_baseline: bool = False) -> Quality:
    """Checks every asset folder below `output` and writes Data Docs and drift to `output`/quality.

    Args:
        output: folder or s3:// prefix of asset folders.
        days: what counts as recent.
        new_baseline: compare with today's store from now on.

    Without an asset folder there is nothing to do. Raises UserError when a critical rule is broken, with the
    asset, the rule and the first row.
    """
    try:
        found = check_store(output, days, new_baseline)
    except NothingThere as empty:
        return cast(Quality, nothing_to_do(empty))
    checked = found.quality
    get_run_logger().info(_summary(found))
    broken = [*checked.blocked, *checked.warnings]
    create_table_artifact([each.model_dump(mode="json") for each in broken], key="quality-broken")
    page = f"[Rules, drift and Data Docs]({link_to(output, FOLDER, 'index.html')}), in `{found.page}`"
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
