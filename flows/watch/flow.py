"""Watching as a service: the flow of the deployment `watch`, and the loop that the command line shares."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import httpx
from prefect import flow, get_run_logger
from prefect.runtime import flow_run
from pydantic import Field

from containers.common.errors import UserError
from flows.runs.artifacts import create_markdown_artifact
from flows.runs.forms import Place, own_name_or
from flows.settings.load import apply_with_server
from flows.watch.arrivals import Ledger
from flows.watch.bucket_events import QueueAway

SHOWN = 60  # seconds between two artifacts
PAUSE, LONGEST = 5, 300  # seconds that an outage is waited for: twice as long each time


@flow(name="watch", flow_run_name=own_name_or(lambda: flow_run.parameters["source"]))
def watch(source: Place, output: Place = "out", every: Annotated[float, Field(gt=0)] = 10) -> None:
    """Analyses what arrives, until this run is cancelled; it outlives restarts of server, worker and machine.

    Args:
        source: a folder, looked at with everything below it; or sqs: and the name or URL of a queue that
            tells of new objects in a bucket.
        output: folder or s3:// prefix of asset folders.
        every: seconds between two looks; a file that rested for so long is whole.
    """
    apply_with_server()
    logger = get_run_logger()
    ledger = Ledger(source, output, logger.info)
    show = _Shown(ledger)
    keep_watching(source, ledger, every, logger.warning, show, patient=flow_run.run_count > 1)


def keep_watching(
    source: str,
    ledger: Ledger,
    every: float,
    complain: Callable[[str], object],
    looked: Callable[[], object] = lambda: None,
    patient: bool = False,
) -> None:
    """For ever: what arrived goes into the ledger, which settles it.

    `complain` hears of an outage of folder, queue or server once, and of its end. Raises UserError for one at
    the very first look, unless `patient`: it may be a wrong name. A queue that does not answer is none.
    """
    from flows.watch.source import source_of

    place: Any = None
    outages = {"source": _Outage(complain), "server": _Outage(complain)}
    first = not patient
    while True:
        with outages["source"].waited_for(first):
            place = place or source_of(source, complain)
            place.settled(ledger.begun)
            ledger.add(place.look())
        with outages["server"].waited_for(first):
            ledger.settle()
            looked()
        first = first and place is None
        time.sleep(max(place.pause(every) if place else 0.0, *(outage.pause for outage in outages.values())))


class _Outage:
    """Told of once, then waited for longer and longer."""

    def __init__(self, complain: Callable[[str], object]) -> None:
        self._complain = complain
        self._told: str | None = None
        self.pause = 0.0

    @contextmanager
    def waited_for(self, fatal: bool) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except (UserError, httpx.HTTPError, OSError) as error:
            said = _sentence(error)
            if fatal and not isinstance(error, QueueAway):
                raise UserError(said) from None
            if self._told is None:
                self._complain(f"{said} Waiting until that is over.")
            self._told = said
            self.pause = min(max(2 * self.pause, PAUSE), LONGEST)
        else:
            if self._told is not None and self.pause:
                self._complain(f"Over: {self._told}")
            self._told, self.pause = None, 0.0


class _Shown:
    """The state of a watcher as an artifact of its run, made anew when it has changed."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._last: tuple[float, str] = (0.0, "")

    def __call__(self) -> None:
        then, shown = self._last
        counts = self._ledger.counts
        page = (
            " · ".join(f"{count} {what}" for what, count in counts.items() if count)
            or "Nothing has arrived yet."
        )
        if page != shown and time.monotonic() > then + SHOWN:
            create_markdown_artifact(
                f"{page}\n\nSince this watcher began.", key="watch", description="Arrivals"
            )
            self._last = (time.monotonic(), page)


def _sentence(error: Exception) -> str:
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, httpx.HTTPStatusError):
        return f"The Prefect server refuses: {error.response.text[:300]}."
    if isinstance(error, httpx.HTTPError):
        return f"The Prefect server does not answer: {error}."
    return f"{error}."
