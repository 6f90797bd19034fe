"""Files of this machine on their way to an image on AWS and back, so that callers need not know where it is.

    WORK/<run>/in/<number>/<name>        what requests name and this machine has; sent once a run
    WORK/<run>/<image>/<request id>/...  what is asked of it and what it leaves; another image may not read it

A request's `*_uri` fields are where results go; every other file:// URI in it is read.
"""

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from containers.common import storage
from containers.common.errors import StorageError

AT_ONCE = 8
RESULT = "result_uri"
FileKey = tuple[str, int, int]


class Staging:
    """One run's files. Safe to use from many threads."""

    def __init__(self, work: str) -> None:
        self.work = work
        self._sent: dict[FileKey, str] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="staging")

    def trip(self, image: str, request_id: str, request: dict[str, Any]) -> "Trip":
        """Sends the request's files. Raises StorageError when one is missing or S3 refuses it."""
        return Trip(self, storage.join(self.work, image, request_id), request)

    def send(self, uris: set[str]) -> dict[str, str]:
        """Local URI to remote one; what this run has sent already stays where it is."""
        return dict(zip(uris, self._pool.map(self._send, uris), strict=True))

    def fetch(self, remote: str, local: str) -> None:
        with storage.reading(remote) as path, storage.writing(local) as partial:
            shutil.move(path, partial)

    def map(self, work: Callable[..., None], *items: Any) -> None:
        list(self._pool.map(work, *items))

    def close(self) -> None:
        """Removes everything of this run from S3."""
        for name in storage.list_sizes(self.work):
            storage.remove(storage.join(self.work, name))
        self._pool.shutdown()

    def _send(self, uri: str) -> str:
        path = storage.local_path(uri)
        if path is None or not path.is_file():
            raise StorageError(f"There is no file at {path or uri}.")
        status = path.stat()
        key = (str(path), status.st_size, status.st_mtime_ns)
        with self._lock:
            if key in self._sent:
                return self._sent[key]
            number = len(self._sent)
            self._sent[key] = remote = storage.join(self.work, "in", str(number), path.name)
        storage.upload(path, remote)
        return remote


class Trip:
    """One request's files: `payload` is the request as the image gets it."""

    def __init__(self, staging: Staging, folder: str, request: dict[str, Any]) -> None:
        self.folder = folder
        self._staging = staging
        self._outputs = {
            f"{folder}/{field}/{uri.rpartition('/')[2]}": uri
            for field, uri in request.items()
            if field.endswith("_uri") and _is_local(uri)
        }
        there = {local: remote for remote, local in self._outputs.items()}
        inputs = _local_uris({name: value for name, value in request.items() if not name.endswith("_uri")})
        there |= staging.send(inputs)
        self._back = {remote: local for local, remote in there.items()}
        self.payload = _replace(request, lambda uri: there.get(uri, uri))
        self.payload[RESULT] = f"{folder}/{RESULT}/result.json"
        self.payload["answer_uri"] = f"{folder}/answer.json"

    def bring_back(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Fetches what the image left, and returns its answer with the result in it and local URIs."""
        names = [f"{self.folder}/{name}" for name in storage.list_sizes(self.folder)]
        left = {name: local for name in names if (local := self._home(name))}
        self._staging.map(self._staging.fetch, left.keys(), left.values())
        return _replace(answer, lambda uri: self._home(uri) or self._back.get(uri, uri))

    def _home(self, remote: str) -> str | None:
        """The local URI of something that the image left, itself named in the request or below what was."""
        for prefix, local in self._outputs.items():
            if remote == prefix or remote.startswith(prefix + "/"):
                return local + remote.removeprefix(prefix)
        return None


def _is_local(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("file://")


def _local_uris(value: Any) -> set[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return set().union(*map(_local_uris, value))
    return {value} if _is_local(value) else set()


def _replace(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _replace(inner, change) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replace(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value
