"""What runs leave behind kept within limits: nightly, or `python -m flows.housekeeping OUT`."""

import argparse
import shutil
import sys

from prefect import flow, get_run_logger
from prefect.runtime import flow_run
from pydantic import BaseModel, Field, ValidationError
from rich.filesize import decimal

from containers.common.errors import UserError
from containers.common.models.store import store_folder, store_uri
from containers.model_downloader.inventory import choose_removable, remove_models, take_stock
from flows.analyze.flags import complaint
from flows.runs.artifacts import create_table_artifact
from flows.runs.forms import Place, own_name_or
from flows.settings.load import apply, apply_with_server
from tasks.asset.bucket import Location, location, work_place
from tasks.housekeeping.caches import clear_caches
from tasks.housekeeping.evaluations import clear_evaluations
from tasks.housekeeping.freed import Freed
from tasks.housekeeping.scratch import clear_scratch

GB = 1_000_000_000
SHARE = 10  # finished stages may take one in so many bytes of their disk


class Limits(BaseModel):
    """Beyond which something is removed. Prefect shows this as a form."""

    cache_gb: float | None = Field(
        default=None,
        gt=0,
        description="finished stages of OUT, in GB, the oldest go first; a tenth of the disk when empty",
    )
    days: float = Field(
        default=30,
        ge=0,
        description="stages of a failed run that nobody continued, and failed evaluations, of so many days",
    )
    scratch_hours: float = Field(
        default=24, ge=1, description="scratch folders of killed processes, unused for so many hours"
    )
    models_gb: float | None = Field(
        default=None,
        gt=0,
        description="models in the store, in GB: those that the catalogue no longer names go first, then the "
        "least recently used; none is removed when empty",
    )


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 done, 1 it could not be done, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.housekeeping",
        description="Remove what runs left behind and nobody needs, and keep caches within limits.",
    )
    parser.add_argument("output", type=location, metavar="OUT", help="folder of asset folders, or s3:// URI")
    for name, field in Limits.model_fields.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=float, default=field.default, help=field.description)
    chosen = vars(parser.parse_args(arguments))
    output = chosen.pop("output")
    try:
        apply()
        found = keep_house(output, Limits.model_validate(chosen))
    except ValidationError as error:
        print(complaint(error), file=sys.stderr)
        return 1
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    for each in found:
        print(_line(each))
    return 0


@flow(name="housekeeping", flow_run_name=own_name_or(lambda: flow_run.parameters["output"]))
def housekeeping(output: Place = "out", limits: Limits | None = None) -> list[Freed]:
    """Removes what runs left behind and nobody needs, and keeps caches within limits.

    Args:
        output: folder or s3:// prefix of asset folders.
        limits: beyond which something is removed.

    Asset folders, indexes and names of people are never touched, and nothing of a run that is under way. The
    server's own database is kept small by the server (settings of `make serve`), old versions of the indexes
    by the re-index, old results of checks by the quality check.
    """
    apply_with_server()
    found = keep_house(output, limits or Limits())
    for each in found:
        get_run_logger().info("%s", _line(each))
    rows = [
        {"what": each.what, "removed": each.removed, "freed": decimal(each.freed), "left": decimal(each.left)}
        for each in found
    ]
    create_table_artifact(rows, key="housekeeping", description="What was freed, and what is left")
    return found


def keep_house(output: Location, limits: Limits) -> list[Freed]:
    """What was removed of each kind. Raises StorageError."""
    most = limits.cache_gb * GB if limits.cache_gb else _tenth_of_disk(output)
    return [
        *clear_caches(output, round(most), limits.days),
        clear_evaluations(output, limits.days),
        clear_scratch(limits.scratch_hours),
        _clear_models(limits.models_gb),
    ]


def _tenth_of_disk(output: Location) -> float:
    folder = work_place(output)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).total / SHARE


def _clear_models(most_gb: float | None) -> Freed:
    """Of the store on this machine; one on S3 is others' too, and waits for `flows.models prune`."""
    found = Freed(what="models", why=f"beyond {most_gb:g} GB" if most_gb else "no limit is set")
    store = store_folder()
    if store_uri() or not store.is_dir():
        return found
    stock = take_stock(store, hashing=False)
    if most_gb and sum(held.size for held in stock.values()) > most_gb * GB:
        gone = choose_removable(stock, round(most_gb * GB))
        remove_models(store, gone)
        found.removed, found.freed = len(gone), sum(stock[model].size for model in gone)
    found.left = sum(held.size for held in stock.values()) - found.freed
    return found


def _line(each: Freed) -> str:
    removed = f"{each.removed} removed, {decimal(each.freed)} freed" if each.removed else "nothing removed"
    return f"{each.what} ({each.why}): {removed}, {decimal(each.left)} left"


if __name__ == "__main__":
    sys.exit(main())
