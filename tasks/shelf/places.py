"""Where a shelf lies: a folder of this machine, or an s3:// prefix. Names are relative to the output."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from filelock import Timeout

from containers.common import storage
from containers.common.errors import StorageError
from containers.common.inside import inside
from containers.common.locks import held
from tasks.asset.lease import leased

SHELF = "shelf"
PATIENCE = 120.0  # seconds: whoever waits longer leaves it to the next one
LEASE = 60  # seconds after which a writer that vanished holds the shelf no more
AT_ONCE = 16  # requests
WRITERS = 20  # that may add a recording at the same moment


class Place(Protocol):
    def read(self, name: str) -> bytes | None: ...

    def write(self, name: str, content: bytes) -> None: ...

    def write_all(self, files: Iterable[tuple[str, bytes]]) -> None: ...

    def remove(self, name: str) -> None: ...

    def names(self, folder: str) -> set[str]:
        """Of the files directly in a folder."""
        ...

    def has(self, name: str) -> bool: ...

    def update(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        """Writes what `change` makes of the content, whoever else writes at the same time."""
        ...


class Folder:
    """Raises StorageError for a name that leads elsewhere by a link."""

    def __init__(self, output: Path) -> None:
        self.output = output.absolute()

    def _path(self, name: str) -> Path:
        return inside(self.output, *name.split("/"))

    def read(self, name: str) -> bytes | None:
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        storage.write_bytes(storage.as_uri(self._path(name)), content, durable=False)

    def write_all(self, files: Iterable[tuple[str, bytes]]) -> None:
        for name, content in files:
            self.write(name, content)

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def names(self, folder: str) -> set[str]:
        path = self._path(folder)
        return {each.name for each in path.iterdir() if each.is_file()} if path.is_dir() else set()

    def has(self, name: str) -> bool:
        return (self.output / name).is_file()

    def update(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        self.write(name, change(self.read(name)))

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One writer at a time. Raises StorageError for one that waited too long."""
        folder = self._path(SHELF)
        folder.mkdir(exist_ok=True)
        try:
            with held(folder / ".lock", "", say=lambda _: None, patience=PATIENCE):
                yield
        except Timeout:
            raise StorageError(f"Another writer has held {folder} for {PATIENCE:.0f} seconds.") from None


class Bucket:
    """Raises StorageError."""

    def __init__(self, output: str) -> None:
        self.output = output.rstrip("/")

    def uri(self, name: str) -> str:
        return storage.join(self.output, *name.split("/"))

    def read(self, name: str) -> bytes | None:
        found = storage.read_tagged(self.uri(name))
        return found[0] if found else None

    def write(self, name: str, content: bytes) -> None:
        storage.write_bytes(self.uri(name), content)

    def write_all(self, files: Iterable[tuple[str, bytes]]) -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda file: self.write(*file), files))

    def remove(self, name: str) -> None:
        storage.remove(self.uri(name))

    def names(self, folder: str) -> set[str]:
        return set(storage.list_objects(self.uri(folder)))

    def has(self, name: str) -> bool:
        return name.rpartition("/")[2] in storage.list_objects(self.uri(name).rpartition("/")[0])

    def update(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        for _ in range(WRITERS):
            content, tag = storage.read_tagged(self.uri(name)) or (None, None)
            if storage.replace_tagged(self.uri(name), change(content), tag):
                return
        raise StorageError(f"{self.uri(name)} is written by {WRITERS} others at once.")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One writer of the whole at a time; those that add a recording need none."""
        with leased(self.uri(f"{SHELF}/.writing"), LEASE, patience=PATIENCE):
            yield
