"""The endpoint as a whole: images in, one address out, nothing left behind."""

import json
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path

from containers.common import image as registry
from containers.common.errors import user_error
from containers.common.image import Image
from deployments.local.invoke_api import InvokeExchange
from deployments.local.memory import MemoryWatch
from deployments.local.pool import Call, EndpointStopped, Outcome, Pool
from deployments.local.server import LocalServer
from deployments.local.worker import Worker


class LocalEndpoint:
    """A context manager: inside it `url` answers; at its end every worker is gone.

    `images` finds an image's settings by name (LookupError or FileNotFoundError: no such image).
    `workers` says how many of an image may run at once (default 1). A worker that is idle for `idle_s`
    seconds is ended. `logs` receives `<image>.log`; without it logs go to a temporary folder that stays
    only when a call has failed by other than a user's mistake. `root` holds the code: Lambda's task root.
    """

    def __init__(
        self,
        images: Callable[[str], Image] = registry.image,
        *,
        workers: Mapping[str, int] | None = None,
        idle_s: float = 600,
        logs: Path | None = None,
        port: int = 0,
        root: Path = registry.CONTAINERS.parent,
    ) -> None:
        self._images = images
        self._workers = workers or {}
        self._idle_s = idle_s
        self._given_logs = logs
        self._port = port
        self._root = root
        self._pools: dict[str, Pool] = {}
        self._lock = threading.Lock()
        # Web pages and other users of this machine can reach 127.0.0.1 too, but cannot guess the path.
        self.secret_path = f"/{secrets.token_urlsafe(16)}"

    def __enter__(self) -> "LocalEndpoint":
        self.failed = False
        if self._given_logs:
            self._given_logs.mkdir(parents=True, exist_ok=True)
        self._server = LocalServer(InvokeExchange, self, self._port)
        self.logs = self._given_logs or Path(tempfile.mkdtemp(prefix="mediaflow-logs-"))
        self._memory = MemoryWatch(self._live_workers)
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
        outcome = self._pool(image).submit(call)
        outcome.add_done_callback(self._note_failure)
        return outcome

    def _pool(self, name: str) -> Pool:
        with self._lock:
            if name not in self._pools:
                size = self._workers.get(name, 1)
                self._pools[name] = Pool(self._images(name), size, self._root, self.logs, self._idle_s)
            return self._pools[name]

    def _live_workers(self) -> list[Worker]:
        with self._lock:
            return [worker for pool in self._pools.values() for worker in pool.workers()]

    def _note_failure(self, outcome: "Future[Outcome]") -> None:
        """A user's mistake is told in the answer itself; any other failure is explained by the log."""
        if outcome.exception() is None and outcome.result().failed:
            self.failed |= user_error(json.loads(outcome.result().payload).get("errorType", "")) is None


def _no_images(name: str) -> Image:
    raise EndpointStopped
