"""A temporary server that outlives its run, for the next one: where the setting `keep_warm` says so.

Who uses it holds a shared lock on a file, which the kernel frees with the process. Some minutes after the
last has gone the server takes that lock for itself, and ends.
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import psutil

from containers.common.errors import UserError
from containers.common.locks import held
from containers.common.private import read_private, write_private
from flows.server.secret import CLIENT_SECRET, SERVER_SECRET, prefect_home

MODULE = "flows.server.local"
LOOK_S = 1.0
# Of a run, not of a server: with another value of these it is the same server.
OF_RUNS = ("PREFECT__", "PREFECT_API_URL", "PREFECT_LOGGING", CLIENT_SECRET, SERVER_SECRET)


class WarmServer:
    """One that answers, or is about to; `poll()` as Popen's, though it is no child of this process."""

    def __init__(self, url: str, secret: str, pid: int) -> None:
        self.url, self.secret, self._pid = url, secret, pid

    def poll(self) -> int | None:
        """None while it runs."""
        try:
            process = psutil.Process(self._pid)
            words = process.cmdline()
            named = MODULE in words or not words  # none yet: Popen returns before the kernel has them
            ours = named and process.uids().real == os.getuid() and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            ours = False
        return None if ours else 1


Start = Callable[[Path, float], tuple[str, str, int]]  # file and seconds; its URL, secret and process


@contextmanager
def warm_server(keep_s: float, start: Start) -> Iterator[WarmServer]:
    """The one that is warm, or one that `start` starts; held until the block ends. Raises UserError."""
    place = _place()
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with held(place.with_suffix(".lock"), "another run that starts the Prefect server"):
            server = _read(place)
            users = place.with_suffix(".users").open("ab")
            fcntl.flock(users, fcntl.LOCK_SH)
            if server is None:
                url, secret, pid = start(place, keep_s)
                write_private(place, json.dumps({"url": url, "secret": secret, "pid": pid}))
                server = WarmServer(url, secret, pid)
    except OSError as error:
        raise UserError(f"The Prefect server of runs cannot be shared: {error}.") from error
    with users:
        yield server


def end_without_users(place: Path, keep_s: float, end: Callable[[], object]) -> None:
    """In the server: calls `end` when nobody has used it for so long; nobody finds it then."""
    threading.Thread(target=_watch, args=(place, keep_s, end), daemon=True).start()


def without_run(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a server, without what would make it look like a part of the run that starts it."""
    return {name: value for name, value in environment.items() if not name.startswith("PREFECT__")}


def _watch(place: Path, keep_s: float, end: Callable[[], object]) -> None:
    with suppress(OSError):  # its folder has gone: nobody finds it any more
        _wait_for_nobody(place, keep_s)
    end()


def _wait_for_nobody(place: Path, keep_s: float) -> None:
    used = time.monotonic()
    with place.with_suffix(".users").open("ab") as users:
        while True:
            time.sleep(min(LOOK_S, keep_s))
            if not _alone(users):
                used = time.monotonic()
            elif time.monotonic() > used + keep_s:
                with held(place.with_suffix(".lock"), "a run that takes this server"):
                    if _alone(users):
                        place.unlink(missing_ok=True)
                        return


def _alone(users: IO[Any]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(users, fcntl.LOCK_UN)
    return True


def _read(place: Path) -> WarmServer | None:
    try:
        said = json.loads(read_private(place) or "{}")
        server = WarmServer(str(said["url"]), str(said["secret"]), int(said["pid"]))
    except (ValueError, LookupError, TypeError):
        return None
    return server if server.poll() is None else None


def _place() -> Path:
    """For this home, these settings and this code."""
    mark = hashlib.sha256(sys.executable.encode())
    for name, value in sorted(os.environ.items()):
        if name.startswith("PREFECT") and not name.startswith(OF_RUNS):
            mark.update(f"\n{name}={value}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        mark.update(path.read_bytes())
    return prefect_home() / "mediaflow-servers" / f"{mark.hexdigest()[:16]}.json"


def start_detached(arguments: list[str], **options: Any) -> int:
    """Starts `python -m flows.server.local`, which outlives this process; its process id."""
    command = [sys.executable, "-m", MODULE, *arguments]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **options,
    )
    threading.Thread(target=process.wait, daemon=True).start()  # no zombie while this run lasts
    return process.pid
