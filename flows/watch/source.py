"""Where what arrives is looked for: a folder, or a queue that tells of a bucket's objects."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from containers.common.errors import MediaError
from flows.watch.arrivals import Arrival
from tasks.media.find import Found, look_below

if TYPE_CHECKING:
    from flows.watch.bucket_events import Queue

QUEUE = "sqs:"


class FileState(NamedTuple):
    """A file as it lay there at one look."""

    path: Path
    size: int
    changed: int  # ns

    @property
    def key(self) -> str:
        """The same for the same content at the same place."""
        return hashlib.sha256(repr((str(self.path), self.size, self.changed)).encode()).hexdigest()


def source_of(name: str, complain: Callable[[str], object]) -> "Folder | Queue":
    """What `sqs:QUEUE` or a folder's name stands for. Raises UserError when there is no such queue."""
    if not name.startswith(QUEUE):
        return Folder(Path(name).expanduser(), complain)
    from flows.runs.aws import client
    from flows.watch.bucket_events import Queue

    return Queue(client("sqs"), name.removeprefix(QUEUE), complain)


class Folder:
    """Files that have come to rest, each once; `complain` hears once of each that is left out."""

    def __init__(self, folder: Path, complain: Callable[[str], object] = lambda sentence: None) -> None:
        self._folder = folder
        self._complain = complain
        self._left_out: dict[str, str] = {}
        self._before: set[FileState] = set()
        self._told: set[FileState] = set()

    def look(self) -> list[Arrival]:
        """In the order in which they came to rest since the last look. Raises MediaError without a folder."""
        found = _look(self._folder)
        if new := dict(found.left_out.items() - self._left_out.items()):
            self._complain(Found(left_out=new).sentence)
        self._left_out = found.left_out
        now = _seen_of(found)
        at_rest = sorted((now & self._before) - self._told, key=lambda seen: (seen.changed, seen.path))
        self._told = (self._told & now) | set(at_rest)
        self._before = now
        return [Arrival(str(seen.path), seen.key) for seen in at_rest]

    def settled(self, begun: Callable[[Arrival], bool]) -> None:
        """Nothing is owed to a folder."""

    def pause(self, every: float) -> float:
        return every


def look(folder: Path) -> set[FileState]:
    return _seen_of(_look(folder))


def _look(folder: Path) -> Found:
    if not folder.is_dir():
        raise MediaError(f"There is no folder {folder}.")
    return look_below(folder)


def _seen_of(found: Found) -> set[FileState]:
    return {seen for path in found.media if (seen := _seen(Path(path)))}


def _seen(path: Path) -> FileState | None:
    """None when the file has gone since it was listed."""
    try:
        status = path.stat()
    except OSError:
        return None
    return FileState(path, status.st_size, status.st_mtime_ns)
