"""One at a time among the processes of a machine: a lock file that the kernel frees when its holder dies."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

QUIET = 2.0  # seconds that one waits without a word


def lock_of(path: Path) -> FileLock:
    """A lock that may be freed by another thread than took it: filelock's own default does nothing then."""
    return FileLock(path, thread_local=False)


def tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


@contextmanager
def held(
    path: Path,
    what: str,
    *,
    say: Callable[[str], object] = tell,
    quiet: float = QUIET,
    patience: float = -1,
) -> Iterator[None]:
    """Holds the lock file `path` while the block lasts.

    `say` is told what is waited for, `what`, after `quiet` seconds, and the wait goes on: for `patience`
    seconds in all, or without end (-1). Raises filelock's Timeout, a TimeoutError, after these.
    """
    lock = lock_of(path)
    try:
        lock.acquire(timeout=quiet if patience < 0 else min(quiet, patience))
    except Timeout:
        if 0 <= patience <= quiet:
            raise
        say(f"Waiting for {what}.")
        lock.acquire(timeout=patience if patience < 0 else patience - quiet)
    try:
        yield
    finally:
        lock.release()
