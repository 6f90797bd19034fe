"""An index on disk: versions that never change, and one small pointer to the current one.

    <index>/v000001/{index.faiss, ids.parquet, manifest.json}
    <index>/current            {"version": "v000001"}

A writer prepares a version beside the others, renames it into place and switches the pointer last, so
that a reader sees the old version or the new one, whenever a writer dies. Writers take turns.
"""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from containers.common import storage
from containers.common.errors import StorageError, UserError
from containers.common.models import sha256_of
from containers.faiss import index as faiss_index
from containers.faiss.contract import IndexVersion

POINTER = "current"
PATIENCE = 600  # seconds a writer waits for its turn


def current(index_uri: str) -> IndexVersion | None:
    """The manifest of the current version, or None when nothing was ever built."""
    folder = storage.local_path(index_uri)
    if folder is not None and not (folder / POINTER).is_file():
        return None
    pointer = json.loads(storage.read_bytes(storage.join(index_uri, POINTER)))
    return manifest(index_uri, pointer["version"])


def manifest(index_uri: str, version: str) -> IndexVersion:
    return IndexVersion.model_validate_json(
        storage.read_bytes(storage.join(index_uri, version, "manifest.json"))
    )


def open_version(index_uri: str, version: IndexVersion) -> tuple[Any, pa.Table]:
    """The faiss index and its rows (id, asset, metadata), in the order of its vectors.

    Raises UserError when the file is not the one that was written.
    """
    with storage.reading(storage.join(index_uri, version.version, "index.faiss")) as path:
        if sha256_of(path) != version.sha256:
            raise UserError(f"{path} is damaged: roll the index back or build it again.")
        index = faiss_index.load(path)
    with storage.reading(storage.join(index_uri, version.version, "ids.parquet")) as path:
        return index, pq.ParquetFile(path).read()


@contextmanager
def writer(index_uri: str) -> Iterator[Path]:
    """The index's folder, for one writer at a time; what a dead one left behind is gone."""
    folder = storage.local_path(index_uri)
    if folder is None:
        raise StorageError(f"An index is written to file:// only, and {index_uri} is elsewhere.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=PATIENCE):
            for partial in folder.glob(".*.part"):
                shutil.rmtree(partial) if partial.is_dir() else partial.unlink()
            yield folder
    except Timeout:
        raise StorageError(f"Another writer has held {folder} for {PATIENCE} seconds.") from None
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror or error}.") from error


def publish(folder: Path, index: Any, rows: pa.Table, keep_versions: int, **about: Any) -> IndexVersion:
    """Writes the next version, makes it the current one and removes what is no longer needed."""
    name = f"v{max((int(path.name[1:]) for path in _versions(folder)), default=0) + 1:06}"
    partial = folder / f".{name}.part"
    partial.mkdir()
    try:
        faiss_index.save(index, partial / "index.faiss")
        pq.write_table(rows, partial / "ids.parquet")
        version = IndexVersion(
            version=name,
            dimension=index.d,
            count=index.ntotal,
            sha256=sha256_of(partial / "index.faiss"),
            **about,
        )
        (partial / "manifest.json").write_text(version.model_dump_json(indent=2), encoding="utf-8")
        partial.rename(folder / name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)  # nothing is left of it after the rename
    _point_to(folder, name)
    _prune(folder, version, keep_versions)
    return version


def rollback(index_uri: str) -> IndexVersion:
    """Makes the version that the current one replaced current again, and returns it.

    Raises UserError when there is none.
    """
    with writer(index_uri) as folder:
        now = current(index_uri)
        if now is None or now.previous is None:
            raise UserError(f"{folder} has no previous version to go back to.")
        previous = manifest(index_uri, now.previous)
        _point_to(folder, previous.version)
        return previous


def _versions(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if re.fullmatch(r"v\d{6}", path.name)]


def _point_to(folder: Path, version: str) -> None:
    pointer = json.dumps({"version": version}).encode()
    storage.write_bytes((folder / POINTER).absolute().as_uri(), pointer)


def _prune(folder: Path, newest: IndexVersion, keep: int) -> None:
    """Leaves `newest` and the versions it descends from, `keep` in all."""
    lineage = [newest.version]
    previous = newest.previous
    while previous and len(lineage) < keep and (folder / previous).is_dir():
        lineage.append(previous)
        previous = manifest(folder.absolute().as_uri(), previous).previous
    for path in _versions(folder):
        if path.name not in lineage:
            shutil.rmtree(path)
