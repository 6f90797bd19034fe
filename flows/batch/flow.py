"""The batch: every file is a run of `analyze` of its own, some at a time; what failed is tried once more."""

from contextlib import nullcontext
from itertools import islice
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.futures import PrefectFuture, as_completed
from prefect.runtime import flow_run
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from pydantic import Field

from containers.common.errors import UserError
from flows.analyze.stages import sentence
from flows.batch.item import BatchItem, analyze_file
from flows.batch.tally import current_tally
from flows.runs.artifacts import (
    as_markdown,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from flows.runs.ending import ending_in_time
from flows.runs.forms import Place, own_name_or
from flows.runs.images import running_images, runtime_of, turn_of
from flows.runs.nothing import nothing_to_do
from flows.service.results import link_to
from flows.settings.load import apply_with_server
from tasks.asset.bucket import Location, absolute, name_of
from tasks.media.find import find_noting
from tasks.outputs.small_picture import small_picture
from tasks.shelf.pictures import shelf_pictures
from tasks.stages.options import AnalyzeOptions

LINKED = 500  # reports; the shelf has all
PICTURED = 50  # of 4 kB as a rule
NAMED = 10  # failures that the sentence names; the table has all
Runner = Literal["threads", "dask", "ray"]


def _named_by_media() -> str:
    first, *others = flow_run.parameters["media"]
    return f"{name_of(first)} and {len(others)} more" if others else name_of(first)


@flow(name="batch", flow_run_name=own_name_or(_named_by_media))
def batch(
    media: Annotated[list[Place], Field(min_length=1)],
    output: Place = "out",
    options: AnalyzeOptions | None = None,
    at_once: Annotated[int, Field(ge=1)] = 2,
    runner: Runner = "threads",
    force: bool = False,
) -> list[BatchItem]:
    """Analyses files, folders, globs and s3:// prefixes into `output`, `at_once` files at a time.

    A folder, glob or prefix without media is noted; without any media there is nothing to do.
    Files that an earlier run finished are not done again, unless `force`. Those that fail are tried once
    more at the end, alone; the run fails with one sentence that names them when they fail again.

    Args:
        media: files, folders, globs, s3:// prefixes, and lists of such (@FILE).
        output: folder or s3:// prefix of asset folders.
        options: of every file's analysis.
        at_once: files analysed side by side.
        runner: threads of this process, or processes of a Dask or Ray cluster on this machine.
        force: do every stage of every file again.
    """
    apply_with_server()
    logger = get_run_logger()
    files = find_noting(media, logger.warning)
    if not files:
        return cast(list[BatchItem], nothing_to_do(f"There is no media at {', '.join(media)}."))
    tally = current_tally()
    tally.begin(files)
    given = (absolute(output), options or AnalyzeOptions())
    artifact = cast(UUID, create_progress_artifact(0.0, key="batch", description=tally.line))
    done: dict[Location, BatchItem] = {}
    runtime = runtime_of(given[1])
    turn = turn_of(runtime, logger.info)
    images = running_images() if runtime == "local" else nullcontext()
    with turn, images, _runner(runner, at_once) as pool, ending_in_time():
        for attempt in (1, 2):
            left = [file for file in files if not (file in done and done[file].complete)]
            anew = force and attempt == 1
            futures = {_submit(pool, file, *given, anew): file for file in left}
            for future in as_completed(list(futures)):
                file = futures[future]
                item = _outcome(future, file)
                if not item.begun and file in done:
                    item = done[file]  # what the first attempt says is more
                done[file] = item
                again = "" if item.complete or attempt == 2 else "will be tried again: "
                news = f"{name_of(file)}: {again}{item.reason or 'complete'}"
                tally.ended(file, item.complete, item.begun and attempt == 2, news)
                update_progress_artifact(artifact, tally.percent, description=tally.line)
                logger.info(news)
    items = [done[file] for file in files]
    create_table_artifact([item.model_dump() for item in items], key="batch-files")
    create_markdown_artifact(_reports(items, output), key="batch-reports", description="Reports")
    if failed := [item for item in items if not item.complete]:
        raise UserError(_account(failed, len(items)))
    return items


def _submit(pool: TaskRunner[Any], *given: object) -> PrefectFuture[BatchItem]:
    names = ("media", "output", "options", "force")
    return pool.submit(analyze_file, dict(zip(names, given, strict=True)))


def _outcome(future: PrefectFuture[Any], file: Location) -> BatchItem:
    result = future.result(raise_on_failure=False)
    if isinstance(result, BatchItem):
        return result
    return BatchItem(media=str(file), reason=sentence(result))


def _runner(name: Runner, at_once: int) -> TaskRunner[Any]:
    """Raises UserError when the package behind `name` is not installed."""
    try:
        if name == "dask":
            from prefect_dask.task_runners import DaskTaskRunner

            processes = {"n_workers": at_once, "threads_per_worker": 1, "dashboard_address": None}
            return DaskTaskRunner(cluster_kwargs=processes)
        if name == "ray":
            from prefect_ray import RayTaskRunner  # pyright: ignore[reportMissingImports]  # an extra

            return RayTaskRunner(init_kwargs={"num_cpus": at_once})
    except ModuleNotFoundError:
        raise UserError(f"The {name} runner needs its packages: uv sync --extra {name}.") from None
    return ThreadPoolTaskRunner(max_workers=at_once)


def _reports(items: list[BatchItem], output: Location) -> str:
    """The shelf, and each file's report, the first of them with a picture."""
    linked = [(item, item.asset) for item in items[:LINKED] if item.asset]
    pictures = _pictures([asset for _, asset in linked], output)
    lines = [
        f"- {pictures.get(asset, '')}[{as_markdown(name_of(item.media))}]"
        f"({link_to(output, asset, 'report.html')})"
        for item, asset in linked
    ]
    more = [f"\n{len(items) - LINKED} more are on the shelf."] if len(items) > LINKED else []
    return "\n".join([f"[Shelf]({link_to(output, 'index.html')})\n", *lines, *more])


def _pictures(assets: list[str], output: Location) -> dict[str, str]:
    """Of the first that have one, as Markdown."""
    made = ((asset, small_picture(content)) for asset, content in shelf_pictures(output, assets))
    shown = ((asset, f"![]({small}) ") for asset, small in made if small)
    return dict(islice(shown, PICTURED))


def _account(incomplete: list[BatchItem], total: int) -> str:
    failed = [item for item in incomplete if item.begun]
    named = [f"{item.media} ({(item.reason or 'unknown').rstrip('.')})" for item in failed[:NAMED]]
    rest = f"; and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
    sentences = [f"{len(failed)} of {total} files failed: {'; '.join(named)}{rest}."] if failed else []
    if left := [item for item in incomplete if not item.begun]:
        why = (
            f"{left[0].reason} {len(left)} of {total} files were not begun; the same batch goes on with them."
        )
        sentences.insert(0, why)
    return " ".join(sentences)
