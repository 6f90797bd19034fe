"""So many analyses at once as a machine's memory allows: those of one user, however they were started.

Those with images of their own need some gigabytes each: without turns twenty of them started at once would
leave it to the kernel which ones to end. Those that share images, which keep below a ceiling, need little
more than themselves: they take turns among each other, and more of them work at once.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, Timeout

from containers.common.errors import StorageError
from containers.common.locks import QUIET, lock_of
from containers.common.machine import cores, memory
from deployments.local.ceiling import SHARE
from flows.operate.capacity import RUN_GB

AT_ONCE = "MEDIAFLOW_RUNS_AT_ONCE"
SHARING_GB = 0.8  # of an analysis without images: the run, its reading of media and a part of a server
LOOK = 0.5  # seconds between two looks for a free turn
_ours: list[BaseFileLock] = []  # what this process holds: its runs have one turn together


@contextmanager
def turn(say: Callable[[str], object] = print, sharing: bool = False) -> Iterator[None]:
    """Waits for a turn on this machine and keeps it while the block lasts; within the block it is had.

    `sharing`: the images are those that runs share. `say` is told after two seconds what is waited for. The
    kernel frees the turn of a process that is killed. Raises StorageError where there is no folder for turns.
    """
    if _ours:
        yield
        return
    lock = _wait(_folder(), "shared-" if sharing else "", runs_at_once(sharing), say)
    _ours.append(lock)
    try:
        yield
    finally:
        _ours.remove(lock)
        lock.release()


def runs_at_once(sharing: bool = False) -> int:
    """The setting `runs_at_once`, else by memory: a short run beside a long one, where there is enough."""
    if given := os.environ.get(AT_ONCE):
        return int(given)
    if not sharing:
        return max(1, int(memory() / 2**30 / RUN_GB))
    # More than two on a core would be none the sooner, and the first of them later.
    return max(1, min(2 * cores(), int(memory() / 2**30 * (1 - SHARE) / SHARING_GB)))


def _wait(folder: Path, kind: str, at_once: int, say: Callable[[str], object]) -> BaseFileLock:
    began, told = time.monotonic(), False
    while (lock := _free(folder, kind, at_once)) is None:
        if not told and time.monotonic() > began + QUIET:
            told = True
            runs = "another run" if at_once == 1 else f"one of {at_once} other runs"
            say(f"Waiting for {runs} to end: this machine's memory takes no more at once.")
        time.sleep(LOOK)
    return lock


def _free(folder: Path, kind: str, at_once: int) -> BaseFileLock | None:
    for number in range(at_once):
        lock = lock_of(folder / f"{kind}{number}.lock")
        with suppress(Timeout):
            lock.acquire(blocking=False)
            return lock
    return None


def _folder() -> Path:
    """This user's own: others must not be able to hold the turns."""
    folder = Path(tempfile.gettempdir()) / f"mediaflow-runs-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise StorageError(f"{folder} cannot be made: {error.strerror or error}.") from error
    if found.st_uid != os.getuid() or folder.is_symlink():
        raise StorageError(f"{folder} belongs to another user; remove it or name another folder in TMPDIR.")
    return folder
