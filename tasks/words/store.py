"""The word index of an output folder, which always serves the assets that are published.

OUT/words/v000002.db     a version, which never changes; v000002.json says what it is
OUT/words/current        {"version": "v000002"}
OUT/words/recent.db      what was analysed since

The asset folders are the truth. An asset counts as indexed where a file holds it with the digest of its
present manifest.json; whatever else is published is read when somebody asks, and what is not there any more
is not shown. So there is no moment at which a kill leaves words of other assets than the folder has.
"""

import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from containers.common.durable import make_folder
from containers.common.errors import StorageError, UserError
from containers.common.inside import inside, one_name
from containers.common.locks import tell
from tasks.words import index_file
from tasks.words.index_file import DamagedIndex
from tasks.words.rows import Dated, digest_of, read_rows

WORDS = "words"
RECENT = "recent.db"
POINTER = "current"
MANIFEST = "manifest.json"
MANY = 3  # assets to be read first: then somebody is told
UNREADABLE = ""
_digests: dict[str, tuple[tuple[int, int, int], str]] = {}


class Held(NamedTuple):
    """An asset of a file: its number there, and what it is: see `AssetRows`."""

    number: int
    asset: str
    name: str
    made: float
    day: str
    dated: Dated
    duration: float


class OpenFile(NamedTuple):
    """A file of the index, and those of its assets that it is asked for."""

    connection: sqlite3.Connection
    assets: dict[int, Held]
    hidden: list[int]  # numbers of those that another file has, or nobody any more


class Words(NamedTuple):
    files: list[OpenFile]

    @property
    def assets(self) -> int:
        return sum(len(file.assets) for file in self.files)


def words_folder(output: Path) -> Path:
    """Raises StorageError where it is a link that leads elsewhere."""
    return inside(output, WORDS)


def published(output: Path) -> dict[str, str]:
    """Everything analysed into `output`, with the digest of its manifest. Raises UserError for no folder."""
    try:
        with os.scandir(output) as entries:
            folders = [entry.path for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"There is no folder {output}.") from None
    except OSError as error:
        raise StorageError(f"{output} cannot be read: {error.strerror}.") from None
    found = {}
    for folder in sorted(folders):
        name = os.path.basename(folder)  # noqa: PTH119
        path = os.path.join(folder, MANIFEST)  # noqa: PTH118 - a thousand of them for each question
        try:
            name.encode()
            status = os.stat(path)  # noqa: PTH116
            mark = (status.st_mtime_ns, status.st_size, status.st_ino)
            if _digests.get(path, ((), ""))[0] != mark:
                _digests[path] = (mark, digest_of(Path(path).read_bytes()))
            found[name] = _digests[path][1]
        except (FileNotFoundError, NotADirectoryError, UnicodeEncodeError):
            continue
        except OSError:
            found[name] = UNREADABLE  # whoever reads it is told why
    return found


def current_version(output: Path) -> Path | None:
    """The file of the current version. Raises StorageError for a pointer that cannot be read."""
    path = words_folder(output) / POINTER
    try:
        name = one_name(json.loads(path.read_bytes())["version"])
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError) as error:
        raise DamagedIndex(f"{path} cannot be read: {error}.") from None
    return inside(words_folder(output), f"{name}.db")


def index_asset(output: Path, asset: str) -> int:
    """Makes what was said in an asset, as it is published, searchable; returns the number of its segments.

    Costs what the asset has, however large the index is. Raises StorageError when it cannot be written, and
    UserError when the asset cannot be read: the next search tries both again.
    """
    rows = read_rows(output, asset)
    if rows is None:
        return 0
    with _explained(output), writing_recent(output) as recent, index_file.transaction(recent):
        index_file.add(recent, rows)
    return len(rows.segments)


@contextmanager
def writing_recent(output: Path) -> Iterator[sqlite3.Connection]:
    """What was analysed since the current version; a damaged file is made anew."""
    folder = words_folder(output)
    make_folder(folder)
    path = inside(folder, RECENT)
    try:
        connection = index_file.open_file(path, writing=True) if path.exists() else _make(path)
    except DamagedIndex:
        drop_recent(output)
        connection = _make(path)
    try:
        yield connection
    finally:
        connection.close()


def _make(path: Path) -> sqlite3.Connection:
    """A new file appears with its tables, or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    partial.unlink(missing_ok=True)
    index_file.create(partial).close()
    try:
        os.link(partial, path)  # two may begin at once: the first one's stays
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        partial.replace(path)
    partial.unlink(missing_ok=True)
    return index_file.open_file(path, writing=True)


def drop_recent(output: Path) -> None:
    """Removes a damaged file: what it had is read again."""
    for name in (RECENT, f"{RECENT}-journal"):
        (words_folder(output) / name).unlink(missing_ok=True)


def open_words(output: Path, say: Callable[[str], object] = tell, catch_up: bool = True) -> Words:
    """The index as it serves now, after what it lacks was read, unless `catch_up` is off.

    `say` is told what somebody waits for, and what cannot be searched. Raises UserError for no such folder.
    """
    wanted = published(output)
    connections = [*_open_current(output, say), *_open_recent(output)]
    held = [index_file.digests(each) for each in connections]
    lacking = [asset for asset in wanted if all(each.get(asset) != wanted[asset] for each in held)]
    if lacking and catch_up:
        if len(lacking) > MANY:
            say(f"Reading what was said in {len(lacking)} assets first, once.")
        for each in connections:
            each.close()
        extra = _catch_up(output, lacking, say)
        connections = [*_open_current(output, say=lambda _: None), *_open_recent(output), *extra]
    return Words(_share(connections, wanted))


def _share(connections: list[sqlite3.Connection], wanted: dict[str, str]) -> list[OpenFile]:
    """Each asset is asked of one file."""
    left = dict(wanted)
    files = []
    for connection in connections:
        query = "SELECT id, asset, digest, name, made, day, dated, duration FROM assets"
        served, hidden = {}, []
        for number, asset, digest, *about in connection.execute(query):
            if left.get(asset) == digest:
                del left[asset]
                served[number] = Held(number, asset, *about)
            else:
                hidden.append(number)
        files.append(OpenFile(connection, served, hidden))
    return files


def _open_current(output: Path, say: Callable[[str], object]) -> Iterator[sqlite3.Connection]:
    try:
        if path := current_version(output):
            yield index_file.open_file(path, fixed=True)
    except DamagedIndex as error:
        say(f"{error} It is left out; `python -m flows.reindex` makes it anew.")


def _open_recent(output: Path) -> Iterator[sqlite3.Connection]:
    path = inside(words_folder(output), RECENT)
    if path.exists():
        with suppress(DamagedIndex):  # what it had is read again
            # To be written, since what a killed writer left half done is undone by whoever opens it next.
            connection = index_file.open_file(path, writing=True)
            connection.execute("PRAGMA query_only = ON")
            yield connection


def _catch_up(output: Path, lacking: list[str], say: Callable[[str], object]) -> list[sqlite3.Connection]:
    """Reads assets into the index; where it cannot be written into memory, which is returned."""
    try:
        with _explained(output), writing_recent(output) as recent:
            _read_into(recent, output, lacking, say)
        return []
    except StorageError as error:
        say(f"{error} What was said is read anew by each search.")
    memory = index_file.create(Path(":memory:"))
    _read_into(memory, output, lacking, say)
    return [memory]


def _read_into(
    connection: sqlite3.Connection, output: Path, assets: list[str], say: Callable[[str], object]
) -> None:
    for asset in assets:
        try:
            rows = read_rows(output, asset)
        except UserError as error:
            say(f"{asset} cannot be searched: {error}")
            continue
        if rows is not None:
            with index_file.transaction(connection):
                index_file.add(connection, rows)


@contextmanager
def _explained(output: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"{output / WORDS} cannot be written: {error}.") from None


def version_names(folder: Path) -> list[str]:
    """v000001, v000002, ... of a words folder, by number."""
    return sorted(path.stem for path in folder.glob("v*.db") if re.fullmatch(r"v\d{6}", path.stem))
