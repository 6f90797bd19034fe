"""Watches workers: ends those above their image's memory, and those that somebody stopped and left so."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from weakref import WeakKeyDictionary

import psutil

from deployments.local.ceiling import Ceiling
from deployments.local.worker import Worker

INTERVAL = 0.2  # seconds between looks
STOPPED_S = 30  # seconds for which a worker may stand still (SIGSTOP, a debugger) before it counts as gone
SEARCH_EVERY = 5  # looks: finding descendants means asking every process of the machine for its parent


class MemoryWatch(threading.Thread):
    """Resident memory of each worker with its descendants, in bytes.

    Pages shared by a worker and its descendants count once for each, so this is an upper bound.
    """

    def __init__(self, workers: Callable[[], Iterable[Worker]], ceiling: Ceiling) -> None:
        super().__init__(daemon=True)
        self.peak_together = 0
        self._workers = workers
        self._ceiling = ceiling
        self._stopped_since: WeakKeyDictionary[Worker, float] = WeakKeyDictionary()
        self._stopped = threading.Event()

    def run(self) -> None:
        looks = 0
        while not self._stopped.wait(INTERVAL):
            if workers := [worker for worker in self._workers() if worker.alive]:
                if looks % SEARCH_EVERY == 0:
                    _find_descendants(workers)
                self._look(workers)
                looks += 1

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def _look(self, workers: list[Worker]) -> None:
        together = 0
        for worker in workers:
            used = worker.measure()
            together += used
            if used > worker.image.memory_mb << 20:
                worker.over_memory = True
                worker.kill()
            elif worker.stopped:
                since = self._stopped_since.setdefault(worker, time.monotonic())
                if time.monotonic() > since + STOPPED_S:
                    worker.left_stopped = True
                    worker.kill()
            else:
                self._stopped_since.pop(worker, None)
        self.peak_together = max(self.peak_together, together)
        self._ceiling.keep(together)


def _find_descendants(workers: list[Worker]) -> None:
    children: dict[int, list[psutil.Process]] = defaultdict(list)
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            children[process.ppid()].append(process)
    for worker in workers:
        # One whose parent has died is nobody's child any more, but still the worker's.
        found = {process for process in worker.descendants if process.is_running()}
        pending = [worker.process.pid]
        while pending:
            below = children[pending.pop()]
            found.update(below)
            pending += [process.pid for process in below]
        worker.descendants = found
