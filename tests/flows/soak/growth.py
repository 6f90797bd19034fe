"""What a campaign takes of its machine, measured again and again, and what of it grows.

Of each process that lasts its memory, handles and threads, by its own number: a new one in its place has
everything anew. Of the rest what the campaign measures: places of limits, locks, bytes on the disk.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import httpx
import psutil

from tests.flows.soak.processes import KINDS, Processes

LASTING = {
    "make serve": lambda command: command.endswith("-m flows.serve"),
    "results": lambda command: "flows.server.child flows.service.results" in command,
    **KINDS,
}
LEAST = 9  # measurements; of what was there for less time nothing is said
MB = 1e6


class Allowed(NamedTuple):
    """By which the last third may be larger than the first."""

    share: float
    more: float


ALLOWED = {
    "memory, MB": Allowed(0.1, 40),  # allocators and caches of SQLite fill up; noise from look to look is 10
    "handles": Allowed(0, 8),  # connections under way
    "threads": Allowed(0, 8),
    "processes": Allowed(0, 2),  # of runs: as many as the queues allow at once
    "at once": Allowed(0, 2),  # places, locks
    "waiting": Allowed(0, 4),  # a night's runs
    "kB each": Allowed(0.25, 100),
    "kB": Allowed(0.1, 2000),
}


class Growth:
    """`measures`: name to a function; a name ends with one of ALLOWED."""

    def __init__(self, processes: Processes, measures: dict[str, Callable[[], float]]) -> None:
        self._processes, self._measures = processes, measures
        self.series: dict[str, list[float]] = {}

    def measure(self) -> None:
        """Once more. Without what cannot be asked at this moment."""
        for name, value in (*self._of_processes(), *self._of_measures()):
            self.series.setdefault(name, []).append(value)

    def thirds(self) -> dict[str, tuple[float, float]]:
        """Medians of the first third and the last."""
        found = {}
        for name, values in self.series.items():
            third = len(values) // 3
            if len(values) >= LEAST:
                found[name] = (round(median(values[:third]), 1), round(median(values[-third:]), 1))
        return found

    def grown(self) -> dict[str, tuple[float, float]]:
        return {name: pair for name, pair in self.thirds().items() if _grew(name, *pair)}

    def _of_processes(self) -> Iterator[tuple[str, float]]:
        counts = dict.fromkeys(LASTING, 0)
        for process in self._processes.all():
            command = " ".join(process.info["cmdline"] or ())
            kind = next((kind for kind, is_one in LASTING.items() if is_one(command)), None)
            if kind is None:
                continue
            counts[kind] += 1
            name = f"{kind} {process.pid}"
            try:
                with process.oneshot():
                    found = {
                        f"{name}: memory, MB": process.memory_info().rss / MB,
                        f"{name}: handles": float(process.num_fds()),
                        f"{name}: threads": float(process.num_threads()),
                    }
            except psutil.Error:
                continue  # it has ended
            yield from found.items()
        for kind, count in counts.items():
            yield f"{kind}: processes", count

    def _of_measures(self) -> Iterator[tuple[str, float]]:
        for name, ask in self._measures.items():
            try:
                yield name, ask()
            except (OSError, httpx.HTTPError):
                continue  # something was moved away while it was counted; the server is away


def _grew(name: str, first: float, last: float) -> bool:
    share, more = next(allowed for unit, allowed in ALLOWED.items() if name.endswith(unit))
    return last > first * (1 + share) + more


def locks_of(processes: Processes) -> int:
    """Of files, held at this moment, without SQLite's, which are POSIX': proc_locks(5) names who has each."""
    table = Path("/proc/locks")
    pids = {each.pid for each in processes.all()}
    rows = [line.split() for line in table.read_text().splitlines()] if table.is_file() else []
    return sum(row[1] == "FLOCK" and int(row[4]) in pids for row in rows)


def kilobytes(*places: Path) -> float:
    """Of everything below these."""
    files = (path for place in places for path in (place.rglob("*") if place.is_dir() else [place]))
    total = 0
    for path in files:
        try:
            status = path.lstat()
        except OSError:
            continue  # it has gone meanwhile
        total += status.st_size
    return total / 1e3
