"""One ceiling of memory over all workers of an endpoint, under which images take turns."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from containers.common.image import Image
from containers.common.machine import memory
from deployments.local.neighbours import Neighbours
from deployments.local.worker import Worker

if TYPE_CHECKING:
    from deployments.local.pool import Pool

SHARE = 2 / 3  # of the machine's memory, where no ceiling is set
LOOK_S = 0.5


class Ceiling:
    """Lets a worker start only where it fits: idle ones are ended for it, the one idle longest first.

    `limit_mb`: of all workers together, by default two thirds of the machine. A worker counts as what it
    uses, at least as what its image.toml says. One that would not fit alone starts when there is no other.
    What `neighbours` take is taken from it; they are asked to spare what is idle.
    """

    def __init__(
        self,
        limit_mb: float | None,
        pools: Callable[[], "Iterable[Pool]"],
        neighbours: Neighbours | None = None,
    ) -> None:
        self.limit = int(limit_mb * 2**20) if limit_mb else int(memory() * SHARE)
        self._pools = pools
        self._neighbours = neighbours
        self._starting = threading.Lock()  # first come, first served

    @contextmanager
    def room_for(self, image: Image, given_up: Callable[[], bool]) -> Iterator[None]:
        """Waits until a worker of `image` fits, or until `given_up()`; start it inside the block."""
        with self._starting:
            while not given_up() and not self.fits(image) and any(self._workers()):
                if self._end_one_that_is_idle():
                    continue
                if self._neighbours:
                    self._neighbours.spare()
                time.sleep(LOOK_S)
            yield

    def spare(self) -> None:
        """Ends an idle worker for a neighbour."""
        self._end_one_that_is_idle()

    def keep(self, used: int) -> None:
        """Ends an idle worker where all together use more: those at work have grown."""
        if used > self.limit:
            self._end_one_that_is_idle()

    def fits(self, image: Image) -> bool:
        """Whether one more worker of `image` would stay below the ceiling now."""
        taken = sum(max(worker.used, _expected(worker.image)) for worker in self._workers())
        room = self.limit - taken - _expected(image)
        return room >= 0 and (self._neighbours is None or self._neighbours.used() <= room)

    def _workers(self) -> list[Worker]:
        return [worker for pool in self._pools() for worker in pool.workers() if worker.alive]

    def _end_one_that_is_idle(self) -> bool:
        idle = [(since, pool) for pool in self._pools() if (since := pool.idle_since()) is not None]
        return bool(idle) and min(idle, key=lambda pair: pair[0])[1].end_idle()


def _expected(image: Image) -> int:
    """Bytes of a worker at work, by the image's own estimate."""
    return int(image.estimate.memory_mb or image.memory_mb / 4) << 20
