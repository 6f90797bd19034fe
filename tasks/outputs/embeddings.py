"""`embeddings.parquet`: every vector of an asset, one row each, as the index's image reads it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from containers.common import storage
from containers.common.index.vectors import SCHEMA


def write_embeddings(location: str | Path, asset: str, rows: Iterable[Mapping[str, Any]]) -> int:
    """Writes rows of `model`, `vector` and (optionally) `metadata`, a JSON object, at a path or URI.

    Row ids are `<asset>#<n>`, n from 0 in the order given; no rows make a file without rows. Vectors
    of different models may differ in dimension. Returns the number of rows.
    """
    table = pa.Table.from_pylist(
        [
            {
                "id": f"{asset}#{number}",
                "asset": asset,
                "model": row["model"],
                "vector": row["vector"],
                "metadata": json.dumps(row.get("metadata") or {}, ensure_ascii=False),
            }
            for number, row in enumerate(rows)
        ],
        schema=SCHEMA,
    )
    with storage.writing(storage.as_uri(location)) as path:
        pq.write_table(table, path)
    return len(table)


def read_embeddings(location: str | Path, model: str | None = None) -> list[dict[str, Any]]:
    """Rows, of one model or of all, as dicts: `id`, `asset`, `model`, `vector` (floats), `metadata` (a dict).

    Raises StorageError when there is no such file.
    """
    with storage.reading(storage.as_uri(location)) as path:
        rows = pq.ParquetFile(path).read().to_pylist()
    chosen = (row for row in rows if model in (None, row["model"]))
    return [row | {"metadata": json.loads(row["metadata"])} for row in chosen]
