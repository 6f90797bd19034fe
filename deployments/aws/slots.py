"""So many calls under way at once, the oldest call first, however often it was repeated."""

import heapq
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Slots:
    """A semaphore whose queue is kept by tickets: a call that was throttled does not start at its end again,
    so that the last ones are not left over with their waits."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._tickets = itertools.count()
        self._waiting: list[tuple[int, threading.Event]] = []
        self._lock = threading.Lock()

    def ticket(self) -> int:
        """A call's place, for all its attempts."""
        return next(self._tickets)

    @contextmanager
    def taken(self, ticket: int) -> Iterator[None]:
        turn = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                turn.set()
            else:
                heapq.heappush(self._waiting, (ticket, turn))
        try:
            turn.wait()
            yield
        finally:
            self._give_back(turn, ticket)

    def _give_back(self, turn: threading.Event, ticket: int) -> None:
        with self._lock:
            if not turn.is_set():  # interrupted while waiting
                self._waiting.remove((ticket, turn))
                heapq.heapify(self._waiting)
            elif self._waiting:
                heapq.heappop(self._waiting)[1].set()
            else:
                self._free += 1
