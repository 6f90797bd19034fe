"""The workers of one image and the queue before them.

A call goes to an idle warm worker, else a slot without one starts it, else it waits its turn: first
come, first served. A slot is a thread that owns at most one worker.
"""

import threading
import time
import uuid
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

from containers.common.image import Image
from deployments.local.faults import failure
from deployments.local.runtime_api import Invocation
from deployments.local.worker import Fate, Worker


class EndpointStopped(Exception):
    """The endpoint ended before the invocation did."""


@dataclass
class Outcome:
    payload: bytes
    failed: bool
    log: Path
    log_tail: bytes


@dataclass
class Call:
    """An invocation that waits for a worker; without a payload it only warms one up."""

    payload: bytes | None
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    outcome: "Future[Outcome]" = field(default_factory=Future)


class Pool:
    """`size` slots for `image`; `workers()` are the live ones."""

    def __init__(self, image: Image, size: int, root: Path, logs: Path, idle_s: float) -> None:
        self.image = image
        self.idle_s = idle_s
        self.stopping = False
        self._ended_peak = 0
        self._lock = threading.Lock()
        self._waiting: deque[Call] = deque()
        self._slots = [Slot(self, root, logs / _log_name(image, number)) for number in range(size)]
        self._idle = list(self._slots)
        for slot in self._slots:
            slot.start()

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
        return call.outcome

    def next_call(self, slot: "Slot") -> Call | None:
        """The oldest waiting call; without one the slot is idle and gets its next through its inbox."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._idle.append(slot)
            return None

    @property
    def peak(self) -> int:
        """Highest memory of any worker so far, in bytes."""
        return max([self._ended_peak, *(worker.peak for worker in self.workers())])

    def note_end(self, worker: Worker) -> None:
        self._ended_peak = max(self._ended_peak, worker.peak)

    def workers(self) -> list[Worker]:
        return [slot.worker for slot in self._slots if slot.worker]

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


class Slot(threading.Thread):
    """Serves one call at a time on its worker; starts, replaces and ends that worker."""

    def __init__(self, pool: Pool, root: Path, log: Path) -> None:
        super().__init__(daemon=True)
        self.pool = pool
        self.worker: Worker | None = None
        self.inbox: SimpleQueue[Call | None] = SimpleQueue()
        self._root, self._log = root, log
        self._lock = threading.Lock()  # a worker is never started after stop()

    def run(self) -> None:
        call = self._idle()
        while call:
            try:
                call.outcome.set_result(self._serve(call))
            except Exception as error:  # noqa: BLE001 - it is the caller's, and the slot must live on
                call.outcome.set_exception(error)
            call = self.pool.next_call(self) or self._idle()
        self._end_worker()

    def stop(self) -> None:
        self.inbox.put(None)
        with self._lock:
            if self.worker:
                self.worker.kill()

    def _idle(self) -> Call | None:
        if self.worker:
            try:
                return self.inbox.get(timeout=self.pool.idle_s)
            except Empty:
                self._end_worker()
        return self.inbox.get()

    def _serve(self, call: Call) -> Outcome:
        position = self._log.stat().st_size if self._log.exists() else 0
        cold = self.worker is None
        worker = self.worker or self._start_worker()
        if call.payload is None:
            return Outcome(b"", False, self._log, b"")
        fate = self._run(worker, call)
        if fate.kind == "lost" and not cold:  # it died between two calls: this one is not to blame
            self._end_worker()
            worker = self._start_worker()
            fate = self._run(worker, call)
        if not fate.worker_lives:
            self._end_worker()
        if self.pool.stopping:
            raise EndpointStopped
        failed = fate.kind != "response"
        payload = failure(fate, worker, call.request_id) if failed else fate.body
        return Outcome(payload, failed, self._log, worker.log_tail(position))

    def _run(self, worker: Worker, call: Call) -> Fate:
        assert call.payload is not None
        image, started = worker.image, time.monotonic()
        worker.write_log(f"START RequestId: {call.request_id} Version: $LATEST\n")
        arn = f"arn:aws:lambda:local:000000000000:function:{image.name}"
        fate = worker.run(Invocation(call.request_id, arn, call.payload, image.timeout_s))
        worker.measure()  # a call may be over before the memory watch looks
        milliseconds = (time.monotonic() - started) * 1000
        worker.write_log(
            f"END RequestId: {call.request_id}\n"
            f"REPORT RequestId: {call.request_id}\tDuration: {milliseconds:.2f} ms\t"
            f"Memory Size: {image.memory_mb} MB\tMax Memory Used: {worker.peak >> 20} MB\t"
            f"Status: {fate.kind}\n"
        )
        return fate

    def _start_worker(self) -> Worker:
        with self._lock:
            if self.pool.stopping:
                raise EndpointStopped
            self.worker = Worker(self.pool.image, self._root, self._log)
            return self.worker

    def _end_worker(self) -> None:
        with self._lock:
            worker, self.worker = self.worker, None
        if worker:
            worker.end()
            self.pool.note_end(worker)


def _log_name(image: Image, number: int) -> str:
    return f"{image.name}.log" if number == 0 else f"{image.name}-{number + 1}.log"
