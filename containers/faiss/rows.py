"""What an index knows of each vector beside its numbers: whose it is, and where in the media it belongs."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from containers.common.index.found import Filter, Match
from containers.common.index.vectors import pc

COLUMNS = pa.schema(
    [
        ("id", pa.string()),
        ("asset", pa.string()),
        ("kind", pa.string()),
        ("time", pa.float64()),  # seconds
        ("end", pa.float64()),
        ("track", pa.int64()),
        ("label", pa.string()),
        ("metadata", pa.string()),  # a JSON object: all that was written with the vector
    ]
)


def describe(rows: pa.Table) -> pa.Table:
    """Rows as `vectors.read_rows` returns them, with the columns of COLUMNS: what can be filtered by."""
    known = [json.loads(text) if text else {} for text in rows["metadata"].to_pylist()]
    columns = {name: rows[name] for name in ("id", "asset", "metadata")} | {
        "kind": [about.get("kind") for about in known],
        "time": [about.get("time") for about in known],
        "end": [about.get("end") for about in known],
        "track": [about.get("track") for about in known],
        "label": [about.get("label", about.get("speaker")) for about in known],
    }
    return pa.table({name: columns[name] for name in COLUMNS.names}, schema=COLUMNS)


def passing(rows: pa.Table, where: Filter) -> NDArray[np.bool_] | None:
    """Which rows pass the filter, shape (rows,); None when it lets all pass."""
    conditions = [
        pc.is_in(rows[column], pa.array(wanted, rows.schema.field(column).type))
        for column, wanted in (
            ("asset", where.assets),
            ("kind", where.kinds),
            ("track", where.tracks),
            ("label", where.labels),
        )
        if wanted is not None
    ]
    if where.not_assets:
        conditions.append(pc.invert(pc.is_in(rows["asset"], pa.array(where.not_assets, pa.string()))))
    if where.start is not None:
        conditions.append(pc.greater_equal(pc.coalesce(rows["end"], rows["time"]), where.start))
    if where.end is not None:
        conditions.append(pc.less(rows["time"], where.end))
    if not conditions:
        return None
    # a comparison with what is not there is null: a vector without a time is in no stretch of time
    masks = [pc.fill_null(condition, False).to_numpy().astype(bool) for condition in conditions]
    return np.logical_and.reduce(masks)


def match_of(row: dict[str, Any], score: float, model: str) -> Match:
    """A row of COLUMNS, as a dict, and its score as an answer to a search."""
    metadata = json.loads(row["metadata"] or "{}")
    placed = {name: row[name] for name in ("id", "asset", "kind", "time", "end", "track", "label")}
    return Match(score=score, model=model, box=metadata.get("box"), metadata=metadata, **placed)
