"""Records of finished stages, as Prefect keeps them: read only when they are what this project writes.

A record names the serializer that reads it and the classes it consists of, and Prefect obeys: pickle, any
importable function. Who may write into an output folder or a block would run code here. So a record is JSON
of known classes, in the one way in which Prefect writes it for us, and names files of its asset alone, or it
is none.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from prefect.filesystems import LocalFileSystem
from prefect.serializers import JSONSerializer

from containers.common import storage
from containers.common.durable import sync_files
from containers.common.errors import StorageError
from containers.common.inside import check_uris, inside
from flows.analyze.shared import files_named
from tasks.asset.portable import HERE, located, portable
from tasks.stages.output import StageOutput
from tasks.stages.registry import STAGES

SERIALIZER = JSONSerializer().model_dump(mode="json")


class Records(LocalFileSystem):
    """Where an asset's records lie; Prefect gets of them only what was checked, in the very bytes checked."""

    _block_type_name = "Mediaflow records"
    _block_type_slug = "mediaflow-records"

    @property
    def _cache(self) -> Path:
        return Path(str(self.basepath)).parent

    def read_path(self, path: str, _sync: bool = True) -> bytes:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Raises StorageError for what is no record of ours."""
        return json.dumps(read_record(self._resolve_path(path).read_bytes(), self._cache)).encode()

    async def aread_path(self, path: str) -> bytes:
        return self.read_path(path)

    def write_path(self, path: str, content: bytes, _sync: bool = True) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Whole or not at all, and after the files that it names."""
        resolved, cache = self._resolve_path(path), self._cache
        record = portable(content.decode(), cache)
        named = (inside(cache, unquote(name)) for name in files_named(record, HERE))
        sync_files(path for path in named if path.is_file())
        storage.write_bytes(storage.as_uri(resolved), record.encode())
        return str(resolved)

    async def awrite_path(self, path: str, content: bytes) -> str:
        return self.write_path(path, content)


def records_at(folder: Path) -> Records:
    return Records(basepath=str(folder))


def read_record(content: bytes | str, cache: Path) -> dict[str, Any]:
    """Prefect's record of a stage's output, in `cache`/results. Raises StorageError for anything else."""
    known = _known()

    def only_known(entry: dict[str, Any]) -> dict[str, Any]:
        if "__exc_type__" in entry or entry.get("__class__", known) not in (known, *known):
            raise ValueError
        return entry

    try:
        text = content.decode() if isinstance(content, bytes) else content
        record = json.loads(located(text, cache))
        metadata = record["metadata"]
        if set(record) != {"metadata", "result"} or metadata["serializer"] != SERIALIZER:
            raise ValueError
        if metadata["storage_block_id"] is not None or not isinstance(metadata["storage_key"], str):
            raise ValueError
        output = json.loads(record["result"], object_hook=only_known)
        if set(output) != {"__class__", "data"}:
            raise ValueError
        check_uris(cache, output)
    except (StorageError, ValueError, TypeError, LookupError, RecursionError):
        raise StorageError("This is no record of a stage as this project writes it.") from None
    return record


def _known() -> frozenset[str]:
    """As Prefect names them."""
    for stage in STAGES.values():
        stage.output()  # it is loaded then, and among the subclasses
    found, left = set(), [StageOutput]
    while left:
        kind = left.pop()
        found.add(f"{kind.__module__}.{kind.__qualname__}")
        left += kind.__subclasses__()
    return frozenset(found)
