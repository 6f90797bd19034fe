"""The endpoint as a whole: images in, one address out, nothing left behind."""

import json
import math
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from containers.common import image as registry
from containers.common.errors import user_error
from containers.common.image import Image
from containers.common.locks import QUIET
from deployments.local.call import Call, EndpointStopped, Outcome
from deployments.local.ceiling import Ceiling
from deployments.local.invoke_api import InvokeExchange
from deployments.local.memory import MemoryWatch
from deployments.local.neighbours import Neighbours
from deployments.local.pool import Pool
from deployments.local.server import LocalServer
from deployments.local.worker import Worker


class LocalEndpoint:
    """A context manager: inside it `url` answers; at its end every worker is gone.

    `images` finds an image's settings by name (LookupError or FileNotFoundError: no such image).
    `workers` says how many of an image may run at once (default 1); one whose calls wait gets up to `most`.
    All together, with those of `neighbours`, stay below `memory_mb`, by default two thirds of the machine. A
    worker that is idle for `idle_s` seconds is ended. `logs` receives `<image>.log`; without it logs go to a
    temporary folder that stays only when a call has failed by other than a user's mistake. `root` holds the
    code: Lambda's task root.
    """

    def __init__(
        self,
        images: Callable[[str], Image] = registry.image,
        *,
        workers: Mapping[str, int] | None = None,
        most: int = 1,
        memory_mb: float | None = None,
        idle_s: float = 600,
        logs: Path | None = None,
        port: int = 0,
        neighbours: Neighbours | None = None,
        exchange: type[InvokeExchange] = InvokeExchange,
        root: Path = registry.CONTAINERS.parent,
    ) -> None:
        self._images = images
        self._workers = workers or {}
        self._most = most
        self._ceiling = Ceiling(memory_mb, self._live_pools, neighbours)
        self._idle_s = idle_s
        self._given_logs = logs
        self._port = port
        self._exchange = exchange
        self._root = root
        self._pools: dict[str, Pool] = {}
        self._calls: dict[str, tuple[Pool, Call]] = {}
        self._callers: set[str] = set()
        self._used = time.monotonic()
        self._unneeded = False
        self._lock = threading.Lock()
        # Web pages and other users of this machine can reach 127.0.0.1 too, but cannot guess the path.
        self.secret_path = f"/{secrets.token_urlsafe(16)}"

    def __enter__(self) -> "LocalEndpoint":
        self.failed = False
        if self._given_logs:
            self._given_logs.mkdir(parents=True, exist_ok=True)
        self._server = LocalServer(self._exchange, self, self._port)
        self.logs = self._given_logs or Path(tempfile.mkdtemp(prefix="mediaflow-logs-"))
        self._memory = MemoryWatch(self._live_workers, self._ceiling)
        self._memory.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._images = _no_images
            stops = [threading.Thread(target=pool.stop) for pool in self._pools.values()]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()
        self._memory.stop()
        self._server.close()
        if not self._given_logs and not self.failed:
            shutil.rmtree(self.logs, ignore_errors=True)

    @property
    def url(self) -> str:
        """For boto3's `endpoint_url` or `AWS_ENDPOINT_URL_LAMBDA`."""
        return f"http://127.0.0.1:{self._server.port}{self.secret_path}"

    def prewarm(self, images: Iterable[str]) -> None:
        """Starts a worker of each image, so that its imports overlap with other work. Returns at once."""
        for name in images:
            self.submit(name, Call(payload=None))

    def peak_memory(self) -> dict[str, int]:
        """Highest resident memory of any worker of each image, in bytes, descendants included."""
        with self._lock:
            return {name: pool.peak for name, pool in self._pools.items()}

    def peak_memory_together(self) -> int:
        """Highest sum over all workers at one moment, in bytes."""
        return self._memory.peak_together

    def has_image(self, name: str) -> bool:
        try:
            self._images(name)
        except (LookupError, FileNotFoundError, EndpointStopped):
            return False
        return True

    def submit(self, image: str, call: Call) -> "Future[Outcome]":
        pool = self._pool(image)
        if call.caller and call.caller not in self._callers:
            raise EndpointStopped  # it has left while this call was on its way
        if call.payload is not None:
            self._calls[call.request_id] = (pool, call)
            call.outcome.add_done_callback(lambda _: self._calls.pop(call.request_id, None))
        call.outcome.add_done_callback(self._note_failure)
        return pool.submit(call)

    @contextmanager
    def attended(self, caller: str) -> Iterator[None]:
        """While the block lasts `caller` needs this endpoint; at its end what it called for ends too."""
        self._callers.add(caller)
        self._unneeded = False
        try:
            yield
        finally:
            for pool, call in list(self._calls.values()):
                if call.caller == caller:
                    pool.give_up(call)
            self._callers.discard(caller)
            self._used = time.monotonic()

    def idle_for(self) -> float:
        """Seconds since somebody needed this endpoint."""
        if self._callers or self._calls:
            return 0
        return math.inf if self._unneeded else time.monotonic() - self._used

    def needed_no_more(self) -> None:
        """Once the last caller has left, it is as if that had been long ago."""
        self._unneeded = True

    def spare(self) -> None:
        """Ends an idle worker, if there is one: another endpoint of this machine needs its memory."""
        self._ceiling.spare()

    def waiting(self, caller: str) -> list[str]:
        """Images that calls of `caller` have waited for longer than one waits without a word."""
        since = time.monotonic() - QUIET
        calls = list(self._calls.values())
        mine = ((pool, call) for pool, call in calls if call.caller == caller)
        return sorted({pool.image.name for pool, call in mine if not call.begun and call.since < since})

    def _pool(self, name: str) -> Pool:
        with self._lock:
            if name not in self._pools:
                size = self._workers.get(name, 1)
                where = (self._root, self.logs, self._idle_s, self._ceiling)
                self._pools[name] = Pool(self._images(name), size, self._most, *where)
            return self._pools[name]

    def _live_pools(self) -> list[Pool]:
        with self._lock:
            return list(self._pools.values())

    def _live_workers(self) -> list[Worker]:
        return [worker for pool in self._live_pools() for worker in pool.workers()]

    def _note_failure(self, outcome: "Future[Outcome]") -> None:
        """A user's mistake is told in the answer itself; any other failure is explained by the log."""
        if outcome.exception() is None and outcome.result().failed:
            self.failed |= user_error(json.loads(outcome.result().payload).get("errorType", "")) is None


def _no_images(name: str) -> Image:
    raise EndpointStopped
