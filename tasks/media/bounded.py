"""Media of unknown origin is read in a process of its own, with limits: what it does there harms nobody."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from containers.common.errors import MediaError, user_error
from tasks.media.budget import STUCK, Budget

ROOT = Path(__file__).parents[2]
# Threads that only multiply would reserve memory that the limit counts.
ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def run_bounded(
    name: str,
    path: Path,
    budget: Budget,
    progress: Callable[[float], None] = lambda seconds: None,
    **given: Any,
) -> Any:
    """The result of a job of `tasks.media.worker` on the file at `path`.

    Raises the UserError that the job raises, and MediaError when it goes beyond its budget or its process
    dies.
    """
    result = None
    for told in _lines(name, path, budget, given):
        if "progress" in told:
            progress(told["progress"])
        result = told.get("result", result)
    return result


def items_bounded(name: str, path: Path, budget: Budget, **given: Any) -> Iterator[Any]:
    """What a job gives one after the other, as it comes. Raises as `run_bounded` does."""
    for told in _lines(name, path, budget, given):
        if "item" in told:
            yield told["item"]


def _lines(name: str, path: Path, budget: Budget, given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    job = {"name": name, "path": str(path), "given": given, **budget.model_dump()}
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said,
        subprocess.Popen(
            [sys.executable, "-m", "tasks.media.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            cwd=ROOT,
            env={**os.environ, **ENVIRONMENT},
            text=True,
        ) as process,
    ):
        watch = _Watch(process)
        told: dict[str, Any] = {}
        try:
            for told in _follow(process, watch, job):
                if "error" in told:
                    raise (user_error(told["error"]) or MediaError)(told["sentence"])
                with watch.patient():
                    yield told
            process.wait()
        finally:
            watch.stop()
            process.kill()
        if "result" not in told:
            said.seek(0)
            raise MediaError(_why(path, process.wait(), watch.stuck, budget, said.read()))


def _follow(process: subprocess.Popen[str], watch: "_Watch", job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the process tells; the last has a result or an error, unless it ended without one."""
    assert process.stdin and process.stdout
    with suppress(BrokenPipeError):  # it died while starting: its end says why
        json.dump(job, process.stdin)
        process.stdin.close()
    for line in process.stdout:
        watch.alive()
        yield json.loads(line)


class _Watch:
    """Ends a process that gives no sign of life for STUCK seconds."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.stuck = False
        self._listening = True
        self._process = process
        self._last_sign = time.monotonic()
        self._ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def alive(self) -> None:
        self._last_sign = time.monotonic()

    @contextmanager
    def patient(self) -> Iterator[None]:
        """While nobody listens, silence is no sign."""
        self._listening = False
        try:
            yield
        finally:
            self.alive()
            self._listening = True

    def stop(self) -> None:
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(max(self._last_sign + STUCK - time.monotonic(), 0.1)):
            if self._listening and time.monotonic() - self._last_sign >= STUCK:
                self.stuck = True
                self._process.kill()
                return


def _why(path: Path, code: int, stuck: bool, budget: Budget, said: str) -> str:
    if stuck:
        return f"{path.name} cannot be decoded: nothing came out of it for {STUCK:.0f} s."
    if code == -signal.SIGXCPU:
        return f"{path.name} needs more than the {budget.cpu:.0f} s of computing that media like it may use."
    if code < 0:
        return f"{path.name} cannot be decoded: it broke the decoder ({signal.Signals(-code).name})."
    last = next((line for line in reversed(said.splitlines()) if line.strip()), f"exit code {code}")
    return f"{path.name} cannot be decoded ({last.strip()[:200]})."
