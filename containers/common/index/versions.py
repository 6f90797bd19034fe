"""An index as it lies on disk or on S3: versions that never change, and one small pointer to the current one.

    <index>/v000001/{index.faiss, rows.arrow, parts.parquet, truth.npz, vectors.f32, manifest.json}
    <index>/current            {"version": "v000001"}
    <index>/delta/             what has been analysed since (delta.py)

A writer prepares a version in a draft, puts it beside the others and switches the pointer last, so that a
reader sees the old version or the new one, whenever a writer dies. On disk writers take turns by a lock; on
S3 the pointer is written only if it is still the one that the writer began with.
"""

import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout
from pydantic import ValidationError

from containers.common import storage
from containers.common.durable import make_folder, sync_folder, sync_tree
from containers.common.errors import StorageError, UserError
from containers.common.formats import refuse_newer
from containers.common.index import remote
from containers.common.index.version import IndexVersion
from containers.common.inside import one_name
from containers.common.locks import held
from containers.common.models.store import sha256_of

POINTER = "current"
MANIFEST = "manifest.json"
VECTORS = "vectors.f32"
INDEX = "index.faiss"
FORMAT = 1
PATIENCE = 600  # seconds a writer waits for its turn


@dataclass(frozen=True)
class Pointer:
    """Which version is current; `tag` is what S3 calls this state of the pointer."""

    version: str
    tag: str | None = None


@dataclass(frozen=True)
class Draft:
    """A version in the making: its name, a folder for it on this machine, and the pointer it began with."""

    index_uri: str
    name: str
    folder: Path
    seen: Pointer | None


def pointer(index_uri: str) -> Pointer | None:
    """Where the index stands, or None when nothing was ever built."""
    folder = storage.local_path(index_uri)
    if folder is None:
        found = storage.read_tagged(storage.join(index_uri, POINTER))
        return Pointer(_version_in(found[0]), found[1]) if found else None
    try:
        return Pointer(_version_in((folder / POINTER).read_bytes()))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{folder / POINTER} cannot be read: {error}.") from error
    except (ValueError, LookupError, TypeError) as error:
        return _newest(folder, error)


def _newest(folder: Path, fault: Exception) -> Pointer:
    """In place of a pointer that is empty or damaged: the newest version that is whole serves."""
    for path in sorted(_folders(folder), reverse=True):
        with suppress(StorageError, OSError, ValueError):
            version = manifest(storage.as_uri(folder), path.name)
            if sha256_of(path / INDEX) == version.sha256:
                return Pointer(version.version)
    raise StorageError(f"{folder / POINTER} cannot be read: {fault}; no version is whole.") from fault


def _version_in(content: bytes) -> str:
    return one_name(json.loads(content)["version"])


def manifest(index_uri: str, version: str) -> IndexVersion:
    """Raises StorageError when it is missing, damaged, or of a newer version of this project."""
    uri = storage.join(index_uri, version, MANIFEST)
    content = storage.read_bytes(uri)
    refuse_newer(content, uri, "format", FORMAT)
    try:
        return IndexVersion.model_validate_json(content)
    except ValidationError as error:
        raise StorageError(f"{uri} is no version's manifest: {error.errors()[0]['msg']}.") from None


def current(index_uri: str) -> IndexVersion | None:
    """The manifest of the current version, or None when nothing was ever built."""
    now = pointer(index_uri)
    return now and manifest(index_uri, now.version)


@contextmanager
def drafting(index_uri: str) -> Iterator[Draft]:
    """A draft for the next version, gone afterwards unless it was published.

    On disk for one writer at a time; what a dead one left behind is removed first. Raises StorageError when
    the index cannot be written.
    """
    root = storage.local_path(index_uri)
    if root is None:
        seen = pointer(index_uri)
        with tempfile.TemporaryDirectory(prefix="index-") as folder:
            yield Draft(index_uri, remote.claim(index_uri), Path(folder), seen)
        return
    with _turn(root):
        name = f"v{max((int(path.name[1:]) for path in _folders(root)), default=0) + 1:06}"
        folder = root / f".{name}.part"
        folder.mkdir()
        try:
            yield Draft(index_uri, name, folder, pointer(index_uri))
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # nothing is left of it after publishing


@contextmanager
def _turn(root: Path) -> Iterator[None]:
    try:
        make_folder(root)
        with held(root / ".lock", f"another writer of {root}", patience=PATIENCE):
            for partial in root.glob(".*.part"):
                shutil.rmtree(partial) if partial.is_dir() else partial.unlink()
            yield
    except Timeout:
        raise StorageError(f"Another writer has held {root} for {PATIENCE} seconds.") from None
    except OSError as error:
        raise StorageError(f"{root} cannot be written: {error.strerror or error}.") from error


def publish(draft: Draft, version: IndexVersion, keep_versions: int) -> None:
    """Puts the draft beside the other versions, makes it current and removes what is no longer needed.

    Raises StorageError when another writer on S3 switched the pointer first: then its version serves.
    """
    (draft.folder / MANIFEST).write_text(version.model_dump_json(indent=2), encoding="utf-8")
    root = storage.local_path(draft.index_uri)
    if root is None:
        remote.upload(draft.folder, storage.join(draft.index_uri, draft.name))
    else:
        sync_tree(draft.folder)
        draft.folder.rename(root / draft.name)
        sync_folder(root)
    _point_to(draft.index_uri, draft.name, draft.seen)
    names, needed = _kept(draft.index_uri, version, keep_versions)
    if root is None:
        remote.prune(draft.index_uri, names, needed)
    else:
        _prune(root, names, needed)


def clear_up(draft: Draft, keep_versions: int) -> None:
    """What a writer with nothing to change does for one that died after it had switched the pointer.

    On disk alone: there a draft is the only writer. On S3 another may be about to switch to a version that is
    not current yet; there the next that is published clears up.
    """
    root = storage.local_path(draft.index_uri)
    if root and draft.seen:
        current = manifest(draft.index_uri, draft.seen.version)
        _prune(root, *_kept(draft.index_uri, current, keep_versions))


def _kept(index_uri: str, current: IndexVersion, keep: int) -> tuple[set[str], set[str]]:
    """The versions that stay, and those whose vectors they use."""
    lineage = _lineage(index_uri, current, keep)
    return {kept.version for kept in lineage}, {part.version for kept in lineage for part in kept.segments}


def keep_current(index_uri: str) -> None:
    """Removes every version of an index on disk but the current one, and there is none to go back to."""
    root = storage.local_path(index_uri)
    assert root is not None
    with _turn(root):
        if now := current(index_uri):
            _prune(root, *_kept(index_uri, now, 1))


def rollback(index_uri: str) -> IndexVersion:
    """Makes the version that the current one replaced current again, and returns it.

    Raises UserError when there is none.
    """
    root = storage.local_path(index_uri)
    if root is None:
        return _roll_back(index_uri)
    with _turn(root):
        return _roll_back(index_uri)


def _roll_back(index_uri: str) -> IndexVersion:
    seen = pointer(index_uri)
    now = seen and manifest(index_uri, seen.version)
    if now is None or now.previous is None:
        raise UserError(f"{index_uri} has no previous version to go back to.")
    previous = manifest(index_uri, now.previous)
    _point_to(index_uri, previous.version, seen)
    return previous


def _point_to(index_uri: str, version: str, seen: Pointer | None) -> None:
    content = json.dumps({"version": version}).encode()
    uri = storage.join(index_uri, POINTER)
    if storage.local_path(index_uri) is not None:
        storage.write_bytes(uri, content)
    elif not storage.replace_tagged(uri, content, seen and seen.tag):
        raise StorageError(f"Another writer switched {uri} meanwhile; its version serves.")


def _lineage(index_uri: str, newest: IndexVersion, keep: int) -> list[IndexVersion]:
    """`newest` and the versions it descends from, `keep` in all; fewer when a manifest is gone."""
    lineage = [newest]
    while lineage[-1].previous and len(lineage) < keep:
        try:
            lineage.append(manifest(index_uri, lineage[-1].previous))
        except StorageError:
            break
    return lineage


def _folders(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if re.fullmatch(r"v\d{6}", path.name)]


def _prune(root: Path, names: set[str], needed: set[str]) -> None:
    """Of a version that is not kept only vectors that a kept one uses stay."""
    for path in _folders(root):
        if path.name in names:
            continue
        if path.name in needed:
            for file in path.iterdir():
                if file.name != VECTORS:
                    file.unlink()
        else:
            shutil.rmtree(path)


def stamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
