"""The search indexes of a store as tables: each version that serves, and what it holds of each asset."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from containers.common import storage
from containers.common.errors import UserError
from containers.common.index.delta import held_parts, list_delta, read_delta
from containers.common.index.version import IndexVersion
from containers.common.index.versions import INDEX, VECTORS, current
from containers.common.models.store import sha256_of

FLOAT = 4  # bytes
COLUMNS = {
    "index": [
        "model",
        "readable",
        "why",
        "held_model",
        "count",
        "found_count",
        "dimension",
        "expected_bytes",
        "vector_bytes",
        "sha256",
        "found_sha256",
        "recall",
    ],
    "indexed": ["model", "expected", "found", "of_blocked", "of_gone"],
}


class Vectors(NamedTuple):
    """What an asset's manifest says of its vectors."""

    by_model: Mapping[str, int]
    blocked: bool  # a critical rule is broken
    wanted: bool  # was to be indexed


def index_tables(index_uri: str, assets: Mapping[str, Vectors]) -> dict[str, pd.DataFrame]:
    """`index`: one row an index that has a version; `indexed`: one row an index and asset.

    `index_uri` is the folder that holds an index a model, as file:// or s3:// URI.
    """
    versions: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    for model in storage.list_folders(index_uri):
        uri = storage.join(index_uri, model)
        try:
            version = current(uri)
            rows = _rows(uri, version) if version else Counter()
            if version:
                versions.append(_version(uri, model, version, sum(rows.values())))
            held += _held(model, _with_delta(uri, version, rows), assets)
        except (UserError, OSError, ValueError) as error:  # a damaged index is a finding, not the end
            why = str(error).splitlines()[0]
            versions.append({"asset": f"index/{model}", "model": model, "readable": False, "why": why})
    return {"index": _table("index", versions), "indexed": _table("indexed", held)}


def _table(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    numbered = [{"row": number, **row} for number, row in enumerate(rows)]
    return pd.DataFrame(numbered, columns=["asset", "row", *COLUMNS[name]])


def _rows(uri: str, version: IndexVersion) -> Counter[str]:
    """Rows of the version by asset."""
    counts: Counter[str] = Counter()
    with (
        storage.reading(storage.join(uri, version.version, "rows.arrow")) as path,
        pa.memory_map(str(path)) as source,
    ):
        reader = pa.ipc.open_file(source)
        for number in range(reader.num_record_batches):
            counts.update(reader.get_batch(number).column("asset").to_pylist())
    return counts


def _version(uri: str, model: str, version: IndexVersion, rows: int) -> dict[str, Any]:
    with storage.reading(storage.join(uri, version.version, INDEX)) as path:
        found = sha256_of(path)
    return {
        "asset": f"index/{model}",
        "model": model,
        "readable": True,
        "held_model": version.model,
        "count": version.count,
        "found_count": rows,
        "dimension": version.dimension,
        "expected_bytes": version.dimension * FLOAT * sum(part.count for part in version.segments),
        "vector_bytes": sum(_size(storage.join(uri, part.version, VECTORS)) for part in version.segments),
        "sha256": version.sha256,
        "found_sha256": found,
        "recall": version.recall,
    }


def _size(uri: str) -> int:
    path = storage.local_path(uri)
    return storage.size(uri) if path is None else path.stat().st_size if path.is_file() else 0


def _with_delta(uri: str, version: IndexVersion | None, rows: Counter[str]) -> Counter[str]:
    """Rows by asset as a search sees them: the delta stands in place of what the version has."""
    taken_in = held_parts(uri, version) if version else {}
    seen = Counter(rows)
    for file in list_delta(uri):
        if taken_in.get(file.asset) != file.digest:
            seen[file.asset] = len(read_delta(uri, file))
    return seen


def _held(model: str, found: Counter[str], assets: Mapping[str, Vectors]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for asset in sorted({*found, *(name for name, known in assets.items() if known.by_model.get(model))}):
        known = assets.get(asset)
        row: dict[str, Any] = {"asset": asset, "model": model, "found": found[asset]}
        if known is None:
            row["of_gone"] = found[asset]
        elif known.blocked:
            row["of_blocked"] = found[asset]
        elif known.wanted:
            row["expected"] = known.by_model.get(model, 0)
        rows.append(row)
    return rows
