"""What decides which version is in use: it is switched, checked, and set back when the check fails.

A Lambda function's alias is one (function.py); a store's is a small object {"version", "previous"}.
"""

import json
from collections.abc import Callable
from typing import Protocol

from containers.common import storage
from containers.common.errors import UserError
from deployments.release.errors import ReleaseStopped


class Pointer(Protocol):
    """Who has one: an image, the model store, a search index."""

    name: str

    def current(self) -> str | None: ...

    def previous(self) -> str | None: ...

    def point_to(self, version: str, previous: str | None) -> None:
        """Makes `version` current and remembers which one to go back to."""
        ...


def switch(pointer: Pointer, version: str, check: Callable[[], None]) -> None:
    """`version` is in use when this returns. Raises ReleaseStopped, with the version before in use again."""
    before, earlier = pointer.current(), pointer.previous()
    pointer.point_to(version, before)
    try:
        check()
    except BaseException as error:
        if before is not None:
            pointer.point_to(before, earlier)
        if isinstance(error, UserError):
            back = f"{before} is in use again" if before else "there is none before to go back to"
            raise ReleaseStopped(
                f"{pointer.name} {version} failed its check, {back}: {str(error).rstrip('.')}."
            ) from None
        raise


def roll_back(pointer: Pointer) -> str:
    """Makes the version before current again and returns it. Raises UserError when there is none."""
    previous = pointer.previous()
    if previous is None:
        raise UserError(f"{pointer.name} has no version before to go back to.")
    pointer.point_to(previous, pointer.current())
    return previous


class StorePointer:
    """A pointer in storage, below which versions lie as folders: s3://BUCKET/models/current.

    On S3 two who switch at once do not overwrite each other: the later one is refused (StorageError).
    """

    def __init__(self, name: str, store_uri: str) -> None:
        self.name = name
        self._store = store_uri
        self._uri = storage.join(store_uri, "current")

    def current(self) -> str | None:
        return self._read()[0].get("version")

    def previous(self) -> str | None:
        return self._read()[0].get("previous")

    def point_to(self, version: str, previous: str | None) -> None:
        """Raises UserError when the store has no such version."""
        if version not in storage.list_folders(self._store):
            raise UserError(f"{self._store} has no version {version}.")
        tag = self._read()[1]
        body = json.dumps({"version": version, "previous": previous}).encode()
        if storage.local_path(self._uri) is not None:
            storage.write_bytes(self._uri, body)
        elif not storage.replace_tagged(self._uri, body, tag):
            raise storage.StorageError(f"Another writer switched {self._uri} meanwhile; its version serves.")

    def _read(self) -> tuple[dict[str, str], str | None]:
        path = storage.local_path(self._uri)
        if path is not None:
            return (json.loads(path.read_bytes()) if path.is_file() else {}), None
        found = storage.read_tagged(self._uri)
        return (json.loads(found[0]), found[1]) if found else ({}, None)
