"""One file of a batch, in whatever process the task runner puts it."""

from prefect import task
from prefect.runtime import task_run
from pydantic import BaseModel

from tasks.asset.bucket import Location, name_of
from tasks.stages.options import AnalyzeOptions


class BatchItem(BaseModel):
    """One file's outcome. Without an `asset` nothing could be analysed; `reason` says what failed."""

    media: str
    asset: str | None = None
    complete: bool = False
    reason: str | None = None


def _named_by_media() -> str:
    return name_of(task_run.parameters["media"])


@task(name="file", task_run_name=_named_by_media)
def analyze_file(media: Location, output: Location, options: AnalyzeOptions, force: bool) -> BatchItem:
    """A run of `analyze`; what fails in it is this file's own."""
    from flows.analyze.flow import (  # a cluster sends this task's globals, and a flow is no parcel
        analyze,
        manifest_of,
    )

    manifest = manifest_of(analyze(media, output, options, force, return_state=True))
    failed = [f"{stage.name}: {stage.reason}" for stage in manifest.stages if stage.status == "failed"]
    return BatchItem(
        media=str(media),
        asset=manifest.asset,
        complete=manifest.complete,
        reason=" ".join(failed) or None,
    )
