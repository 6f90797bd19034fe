"""One place for a worker: it serves one call at a time, and starts, replaces and ends its worker."""

import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from deployments.local.call import Call, EndpointStopped, Outcome
from deployments.local.faults import failure
from deployments.local.runtime_api import Invocation
from deployments.local.worker import Fate, Worker

if TYPE_CHECKING:
    from deployments.local.pool import Pool


class Slot(threading.Thread):
    """Its `inbox` gets the next call, and None when there is a reason to look: `stop`, or an ended worker."""

    def __init__(self, pool: "Pool", root: Path, log: Path) -> None:
        super().__init__(daemon=True)
        self.pool = pool
        self.worker: Worker | None = None
        self.call: Call | None = None
        self.idle_since = time.monotonic()
        self.inbox: SimpleQueue[Call | None] = SimpleQueue()
        self._root, self._log = root, log
        self._lock = threading.Lock()  # a worker is never started after stop()

    def run(self) -> None:
        while self.call or (self._idle() and self.call):
            call = self.call
            try:
                call.outcome.set_result(self._serve(call))
            except Exception as error:  # noqa: BLE001 - it is the caller's, and the slot must live on
                call.outcome.set_exception(error)
            self.call = self.pool.next_call(self)
        self._end_worker()

    def stop(self) -> None:
        self.inbox.put(None)
        self.kill()

    def kill(self) -> None:
        with self._lock:
            if self.worker:
                self.worker.kill()

    def _idle(self) -> bool:
        """Until there is a call. False: the pool has stopped."""
        self.idle_since = time.monotonic()
        while not self.pool.stopping:
            try:
                self.call = self.inbox.get(timeout=self.pool.idle_s if self.worker else None)
            except Empty:
                self._end_worker()
                continue
            if self.call:
                return True
            self._end_worker()
            if not self.pool.stopping:
                self.call = self.pool.next_call(self)
                if self.call:
                    return True
        return False

    def _serve(self, call: Call) -> Outcome:
        position = self._log.stat().st_size if self._log.exists() else 0
        cold = self.worker is None
        if call.payload is None:
            if cold and self.pool.ceiling.fits(self.pool.image):
                self._start_worker(call)
            return Outcome(b"", False, self._log, b"")
        worker = self.worker or self._start_worker(call)
        call.begun = True
        fate = self._run(worker, call)
        if fate.kind == "lost" and not (
            cold or call.given_up
        ):  # it died between two calls: not this one's fault
            self._end_worker()
            worker = self._start_worker(call)
            fate = self._run(worker, call)
        if not fate.worker_lives:
            self._end_worker()
        if self.pool.stopping or call.given_up:
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

    def _start_worker(self, call: Call) -> Worker:
        def given_up() -> bool:
            return self.pool.stopping or call.given_up

        with self.pool.ceiling.room_for(self.pool.image, given_up), self._lock:
            if given_up():
                raise EndpointStopped
            self.worker = Worker(self.pool.image, self._root, self._log)
            return self.worker

    def _end_worker(self) -> None:
        with self._lock:
            worker, self.worker = self.worker, None
        if worker:
            worker.end()
            self.pool.note_end(worker)
