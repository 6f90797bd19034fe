"""The workers of one image and the queue before them.

A call goes to an idle warm worker, else a slot without one starts it, else it waits its turn: first
come, first served. A slot is a thread that owns at most one worker.
"""

import threading
from collections import deque
from concurrent.futures import Future
from pathlib import Path

from containers.common.image import Image
from deployments.local.call import Call, EndpointStopped, Outcome
from deployments.local.ceiling import Ceiling
from deployments.local.slot import Slot
from deployments.local.worker import Worker

PATIENCE_S = 10  # a call that has waited so long behind another's gets a worker of its own, where one may


class Pool:
    """Slots for `image`: `size` at first, up to `most` where calls wait; `workers()` are the live ones."""

    def __init__(
        self, image: Image, size: int, most: int, root: Path, logs: Path, idle_s: float, ceiling: Ceiling
    ) -> None:
        self.image = image
        self.idle_s = idle_s
        self.ceiling = ceiling
        self.stopping = False
        self._most = max(size, most)
        self._root, self._logs = root, logs
        self._ended_peak = 0
        self._lock = threading.Lock()
        self._waiting: deque[Call] = deque()
        self._slots: list[Slot] = []
        self._idle: list[Slot] = [self._new_slot() for _ in range(size)]

    def submit(self, call: Call) -> "Future[Outcome]":
        with self._lock:
            if self.stopping:
                call.outcome.set_exception(EndpointStopped())
            elif self._idle:
                slot = next((slot for slot in self._idle if slot.worker), self._idle[0])
                self._idle.remove(slot)
                slot.inbox.put(call)
            else:
                self._waiting.append(call)
                if len(self._slots) < self._most and call.payload is not None:
                    patience = threading.Timer(PATIENCE_S, self._grow, [call])
                    patience.daemon = True
                    patience.start()
        return call.outcome

    def next_call(self, slot: Slot) -> Call | None:
        """The oldest waiting call; without one the slot is idle and gets its next through its inbox."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._idle.append(slot)
            return None

    def give_up(self, call: Call) -> None:
        """Nobody waits for this call any more: it ends with EndpointStopped, and the worker that has it."""
        call.given_up = True
        with self._lock:
            if call in self._waiting:
                self._waiting.remove(call)
                call.outcome.set_exception(EndpointStopped())
            elif not call.outcome.done():
                for slot in self._slots:
                    if slot.call is call:
                        slot.kill()

    @property
    def peak(self) -> int:
        """Highest memory of any worker so far, in bytes."""
        return max([self._ended_peak, *(worker.peak for worker in self.workers())])

    def note_end(self, worker: Worker) -> None:
        self._ended_peak = max(self._ended_peak, worker.peak)

    def workers(self) -> list[Worker]:
        return [worker for slot in list(self._slots) if (worker := slot.worker)]

    def idle_since(self) -> float | None:
        """When the worker that has had nothing to do for longest was last used."""
        with self._lock:
            return min((slot.idle_since for slot in self._idle if slot.worker), default=None)

    def end_idle(self) -> bool:
        """Ends that worker, and returns when it is gone. False: all are at work."""
        with self._lock:
            idle = [slot for slot in self._idle if slot.worker]
            if not idle:
                return False
            slot = min(idle, key=lambda slot: slot.idle_since)
            self._idle.remove(slot)
            worker = slot.worker
        slot.inbox.put(None)
        if worker:
            worker.end()
        return True

    def stop(self) -> None:
        """Kills the workers; every unfinished call ends with EndpointStopped."""
        with self._lock:
            self.stopping = True
            waiting, self._waiting = self._waiting, deque()
        for call in waiting:
            call.outcome.set_exception(EndpointStopped())
        for slot in self._slots:
            slot.stop()
        for slot in self._slots:
            slot.join()

    def _grow(self, call: Call) -> None:
        with self._lock:
            if self.stopping or call not in self._waiting or len(self._slots) >= self._most:
                return
            self._waiting.remove(call)
            self._new_slot().inbox.put(call)

    def _new_slot(self) -> Slot:
        number = len(self._slots)
        name = f"{self.image.name}.log" if number == 0 else f"{self.image.name}-{number + 1}.log"
        slot = Slot(self, self._root, self._logs / name)
        self._slots.append(slot)
        slot.start()
        return slot
