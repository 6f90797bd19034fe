"""One at a time among machines, by an S3 object that only one of them can write."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from containers.common import storage
from containers.common.errors import StorageError

Check = Callable[[], None]


@contextmanager
def leased(
    uri: str,
    seconds: float,
    patience: float | None = None,
    renew: bool = False,
    on_wait: Callable[[], None] = lambda: None,
) -> Iterator[Check]:
    """Holds the object `uri` while the block lasts; yields a check that it is held still.

    Whoever has not ended or renewed it for `seconds` counts as dead. `renew` says whether this is done by
    itself; `on_wait` is called once when another holds it. Raises StorageError after `patience` seconds of
    waiting, and in the check when another took it over.
    """
    mine = str(uuid.uuid4()).encode()
    deadline = time.monotonic() + patience if patience is not None else float("inf")
    waits = False
    while not _take(uri, mine, seconds):
        if not waits:
            on_wait()
            waits = True
        if time.monotonic() > deadline:
            raise StorageError(f"Other writers have held {uri} for {patience:.0f} seconds.")
        time.sleep(1)

    def still_ours() -> None:
        if not _is_ours(uri, mine):
            raise StorageError(f"Another writer took {uri.rpartition('/')[0]} over meanwhile.")

    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(uri, mine, seconds, ended), daemon=True)
    if renew:
        renewing.start()
    try:
        yield still_ours
    finally:
        ended.set()
        if renew:
            renewing.join()
        if _is_ours(uri, mine):
            storage.remove(uri)


def _take(uri: str, mine: bytes, seconds: float) -> bool:
    found = storage.read_tagged(uri)
    if found and time.time() < float(found[0].partition(b" ")[2]):
        return False
    return storage.replace_tagged(uri, _until(mine, seconds), found and found[1])


def _renew(uri: str, mine: bytes, seconds: float, ended: threading.Event) -> None:
    """Three times as often as needed, so that an answer of S3 may fail twice."""
    while not ended.wait(seconds / 3):
        with suppress(StorageError):
            found = storage.read_tagged(uri)
            if not found or not found[0].startswith(mine):
                return  # lost while this machine slept
            storage.replace_tagged(uri, _until(mine, seconds), found[1])


def _is_ours(uri: str, mine: bytes) -> bool:
    found = storage.read_tagged(uri)
    return found is not None and found[0].startswith(mine)


def _until(mine: bytes, seconds: float) -> bytes:
    return mine + b" " + str(time.time() + seconds).encode()
