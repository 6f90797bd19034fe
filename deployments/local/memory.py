"""Watches what workers use: keeps each image's limit and remembers the peaks."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress

import psutil

from deployments.local.worker import Worker

INTERVAL = 0.2  # seconds between looks


class MemoryWatch(threading.Thread):
    """Resident memory of each worker with its descendants, in bytes.

    Pages shared by a worker and its descendants count once for each, so this is an upper bound.
    """

    def __init__(self, workers: Callable[[], Iterable[Worker]]) -> None:
        super().__init__(daemon=True)
        self.peaks: dict[str, int] = {}
        self.peak_together = 0
        self._workers = workers
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(INTERVAL):
            self.look()

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def look(self) -> None:
        workers = list(self._workers())
        if not workers:
            return
        children = _children()
        together = 0
        for worker in workers:
            worker.descendants |= _below(worker.process.pid, children)
            used = worker.measure()
            together += used
            self.peaks[worker.image.name] = max(self.peaks.get(worker.image.name, 0), worker.peak)
            if used > worker.image.memory_mb << 20:
                worker.over_memory = True
                worker.kill()
        self.peak_together = max(self.peak_together, together)


def _below(pid: int, children: dict[int, list[psutil.Process]]) -> set[psutil.Process]:
    found: set[psutil.Process] = set()
    pending = list(children[pid])
    while pending:
        process = pending.pop()
        found.add(process)
        pending += children[process.pid]
    return found


def _children() -> dict[int, list[psutil.Process]]:
    """Every process of this machine by its parent: one pass serves all workers."""
    children: dict[int, list[psutil.Process]] = defaultdict(list)
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            children[process.ppid()].append(process)
    return children
