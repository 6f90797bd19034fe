"""How far a batch is, and how long the rest will take."""

import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta

from containers.common.errors import StorageError
from tasks.asset.bucket import Location, size_of


@dataclass
class Tally:
    """Counts files; estimates from their sizes, since the length of thousands of media is not known."""

    on_change: Callable[["Tally", str], None] = lambda tally, news: None
    total: int = 0
    complete: int = 0
    failed: int = 0
    _sizes: dict[Location, int] = field(default_factory=dict)
    _done: int = 0
    _all: int = 0
    _started: float = 0

    def begin(self, files: Iterable[Location]) -> None:
        self._sizes = {file: _size(file) + 1 for file in files}
        self.total, self._all, self._started = len(self._sizes), sum(self._sizes.values()), time.monotonic()
        self.on_change(self, f"{self.total} files")

    def ended(self, file: Location, complete: bool, last: bool, news: str) -> None:
        """A file that failed counts when it will not be tried again; `news` is for people."""
        if complete or last:
            self._done += self._sizes[file]
            self.complete += complete
            self.failed += not complete
        self.on_change(self, news)

    def note(self, news: str) -> None:
        """What somebody who waits should know."""
        self.on_change(self, news)

    @property
    def percent(self) -> float:
        return 100 * self._done / self._all if self._all else 100.0

    @property
    def seconds_left(self) -> float | None:
        """None until the first file has ended."""
        if not self._done:
            return None
        return (time.monotonic() - self._started) * (self._all - self._done) / self._done

    @property
    def line(self) -> str:
        """For people: `12 of 40 files, 1 failed, about 0:03:20 left`."""
        parts = [f"{self.complete + self.failed} of {self.total} files"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.seconds_left:
            parts.append(f"about {timedelta(seconds=round(self.seconds_left))} left")
        return ", ".join(parts)


def _size(file: Location) -> int:
    """0 of what has gone since it was found: its own run will say so."""
    try:
        return size_of(file)
    except (OSError, StorageError):
        return 0


_watched: ContextVar[Tally | None] = ContextVar("watched_tally", default=None)


def watch(tally: Tally) -> None:
    """The next batch of this context counts in `tally`."""
    _watched.set(tally)


def current_tally() -> Tally:
    return _watched.get() or Tally()
