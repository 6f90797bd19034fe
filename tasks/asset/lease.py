"""One at a time among machines, by an S3 object that only one of them can write.

No clock is compared with another machine's: whoever waits watches whether the object changes, as its holder
makes it do three times in the seconds after which it counts as dead.
"""

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from containers.common import storage
from containers.common.errors import StorageError

LOOK = 1.0  # seconds between two looks of one that waits
Check = Callable[[], None]


@contextmanager
def leased(
    uri: str, seconds: float, patience: float | None = None, on_wait: Callable[[], None] = lambda: None
) -> Iterator[Check]:
    """Holds the object `uri` while the block lasts; yields a check that it is held still.

    A holder that has not renewed it while another looked on for `seconds` counts as dead. `on_wait` is called
    once when another holds it. Raises StorageError after `patience` seconds of waiting, and in the check when
    another took it over.
    """
    mine = str(uuid.uuid4()).encode()
    _wait(uri, mine, seconds, patience, on_wait)

    def still_ours() -> None:
        if not _is_ours(uri, mine):
            raise StorageError(f"Another writer took {uri.rpartition('/')[0]} over meanwhile.")

    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(uri, mine, seconds, ended), daemon=True)
    renewing.start()
    try:
        yield still_ours
    finally:
        ended.set()
        renewing.join()
        with suppress(StorageError):  # S3 is away: what was done is done, and the lease runs out
            if _is_ours(uri, mine):
                storage.remove(uri)


def _wait(uri: str, mine: bytes, seconds: float, patience: float | None, on_wait: Callable[[], None]) -> None:
    began = looked = time.monotonic()
    known: bytes | None = None
    unchanged = 0.0
    while True:
        found = storage.read_tagged(uri)
        now = time.monotonic()
        if found and found[0] == known:
            unchanged += min(now - looked, 2 * LOOK)  # while S3 was away nobody could renew it
        elif found:
            if known is None:
                on_wait()
            known, unchanged = found[0], 0.0
        looked = now
        dead = found is not None and unchanged >= seconds
        if (not found or dead) and storage.replace_tagged(uri, mine + b" 0", found and found[1]):
            return
        if patience is not None and now > began + patience:
            raise StorageError(f"Other writers have held {uri} for {patience:.0f} seconds.")
        time.sleep(LOOK)


def _renew(uri: str, mine: bytes, seconds: float, ended: threading.Event) -> None:
    """Three times as often as needed, so that an answer of S3 may fail twice."""
    turns = itertools.count(1)
    while not ended.wait(seconds / 3):
        with suppress(StorageError):
            found = storage.read_tagged(uri)
            if not found or not found[0].startswith(mine):
                return  # lost while this machine slept
            storage.replace_tagged(uri, mine + f" {next(turns)}".encode(), found[1])


def _is_ours(uri: str, mine: bytes) -> bool:
    found = storage.read_tagged(uri)
    return found is not None and found[0].startswith(mine)
