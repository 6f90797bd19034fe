"""One file of a batch, in whatever process the task runner puts it."""

from prefect import get_run_logger, task
from prefect.runtime import task_run
from pydantic import BaseModel

from flows.batch.tally import current_tally
from tasks.asset.bucket import Location, name_of, work_place
from tasks.asset.room import room_on
from tasks.stages.options import AnalyzeOptions


class BatchItem(BaseModel):
    """One file's outcome. Without an `asset` nothing could be analysed; `reason` says what failed.

    Not `begun`: the disk is full, and nobody has tried.
    """

    media: str
    asset: str | None = None
    complete: bool = False
    begun: bool = True
    reason: str | None = None


def _named_by_media() -> str:
    return name_of(task_run.parameters["media"])


@task(name="file", task_run_name=_named_by_media)
def analyze_file(media: Location, output: Location, options: AnalyzeOptions, force: bool) -> BatchItem:
    """A run of `analyze`; what fails in it is this file's own.

    But for a full disk, which all others would fail by: it is waited for before the next is begun.
    """
    # A cluster sends this task's globals; neither a flow nor a variable of a context is a parcel.
    from flows.analyze.board import told_too
    from flows.analyze.flow import analyze, manifest_of

    logger, tally = get_run_logger(), current_tally()
    told_too.set(lambda news: tally.note(f"{name_of(media)}: {news}"))

    def waits(news: str) -> None:
        logger.info(news)
        tally.note(news)

    place = work_place(output)
    room = room_on(place)
    if not room.wait(waits):
        return BatchItem(media=str(media), begun=False, reason=f"The disk that holds {place} is full.")
    try:
        manifest = manifest_of(analyze(media, output, options, force, return_state=True))
    except Exception:
        room.look()
        raise
    failed = [f"{stage.name}: {stage.reason}" for stage in manifest.stages if stage.status == "failed"]
    return BatchItem(
        media=str(media),
        asset=manifest.asset,
        complete=manifest.complete,
        reason=" ".join(failed) or None,
    )
