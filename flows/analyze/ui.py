"""What the Prefect UI shows of an analysis under way: progress, tags, the log, stages that did not run."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import httpx
from prefect import get_run_logger, task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Completed, Failed

from flows.analyze.board import Board, StageState, told_too
from flows.server.local import TEMPORARY
from flows.server.patient import patiently
from tasks.calls import progress
from tasks.media.probe import MediaInfo

LONG = 3.0  # seconds: shorter stages show no progress
EVERY = 2.0  # seconds between two updates


def somebody_looks() -> bool:
    """False on the temporary server of a run in a terminal: it has no UI."""
    return TEMPORARY not in os.environ


@contextmanager
def showing_progress() -> Iterator[None]:
    """Long stages of this run get a progress artifact while the block lasts."""
    if not somebody_looks():
        yield
        return
    undo = progress.listen(StageProgress())
    try:
        yield
    finally:
        undo()


class StageProgress:
    """One progress artifact a stage, made when it has lasted for LONG and updated at most EVERY seconds."""

    def __init__(self) -> None:
        self._begun: dict[str, float] = {}
        self._artifacts: dict[str, tuple[UUID, float]] = {}
        self._lock = threading.Lock()

    def __call__(self, stage: str, fraction: float) -> None:
        now = time.monotonic()
        with self._lock:
            begun = self._begun.setdefault(stage, now)
            artifact, updated = self._artifacts.get(stage, (None, begun + LONG - EVERY))
            if now - updated < EVERY and not (artifact and fraction >= 1):
                return
            try:
                if artifact is None:
                    artifact = create_progress_artifact(100 * fraction, description=f"{stage} of this media")
                else:
                    update_progress_artifact(artifact, 100 * fraction)
            except httpx.TransportError:
                return  # the server is being started again; the next news will be shown
            self._artifacts[stage] = (artifact, now)  # pyright: ignore[reportArgumentType]


def tag_run(media: MediaInfo) -> None:
    """Tags the run by what the media has: `video`, `audio`."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or not somebody_looks():
        return
    kinds = {"video": media.video_codec, "audio": media.audio_codec}
    tags = sorted({*context.flow_run.tags, *(kind for kind, codec in kinds.items() if codec)})
    with get_client(sync_client=True) as client:
        patiently(client.update_flow_run)(context.flow_run.id, tags=tags)


def narrating_board() -> Board:
    """A board whose news are lines of the run's log."""
    logger, hears = get_run_logger(), told_too.get()

    def note(text: str) -> None:
        logger.info(text)
        hears(text)

    def tell(stage: StageState) -> None:
        if stage.state == "running":
            return
        timing = f" ({stage.seconds:.1f} s)" if stage.state != "skipped" and not stage.kept else ""
        kept = " (kept from an earlier run)" if stage.kept else ""
        logger.log(
            logging.ERROR if stage.state == "failed" else logging.INFO,
            "%s %s: %s",
            stage.name,
            stage.state,
            f"{stage.found or stage.reason}{timing}{kept}",
        )

    return Board(on_change=tell, on_note=note)


def show_skipped(stage: str, reason: str) -> None:
    """A task run named after the stage whose state says Skipped and why."""
    if somebody_looks():
        _skipped.with_options(task_run_name=stage)(reason)


@task(name="skipped")
def _skipped(reason: str) -> State[None]:
    return Completed(name="Skipped", message=reason)


def show_refused(stage: str, reason: str) -> None:
    """The same for a stage that was kept from starting: its state is a failed one, named Refused."""
    if somebody_looks():
        _refused.with_options(task_run_name=stage)(reason, return_state=True)


@task(name="refused")
def _refused(reason: str) -> State[None]:
    return Failed(name="Refused", message=reason)
