"""Vectors as they come: rows of Parquet files, chosen by model and checked before they are indexed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
from numpy.typing import NDArray

from containers.common import storage
from containers.common.errors import UserError
from containers.common.index.version import Metric
from containers.common.models.embeddings import embeddings

Matrix = NDArray[np.float32]
pc: Any = pyarrow.compute  # made at import, so that type checkers do not see what it has

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("asset", pa.string()),
        ("model", pa.string()),
        ("vector", pa.list_(pa.float32())),
        ("metadata", pa.string()),  # a JSON object
    ]
)


def read_rows(uris: Sequence[str], model: str) -> pa.Table:
    """Rows of `model` in all files, with the columns of `SCHEMA`.

    Raises UserError for a file that is not Parquet or lacks a column, and for an id that occurs twice.
    """
    tables = [SCHEMA.empty_table()]
    for uri in uris:
        with storage.reading(uri) as path:
            tables.append(_read(path, model))
    rows = pa.concat_tables(tables)
    counts = pc.value_counts(rows["id"])
    twice = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(twice):
        raise UserError(f"The id '{twice.field('values')[0]}' occurs twice among the vectors.")
    return rows


def _read(path: Path, model: str) -> pa.Table:
    try:
        with pq.ParquetFile(path) as file:  # read_table takes a second to import what it does not need
            missing = set(SCHEMA.names) - set(file.schema_arrow.names)
            if missing:
                raise UserError(f"{path.name} has no column '{min(missing)}'.")
            rows = file.read(columns=SCHEMA.names).select(SCHEMA.names).cast(SCHEMA)
        return rows.filter(pc.equal(rows["model"], model))
    except pa.ArrowInvalid as error:
        raise UserError(f"{path.name} is not a Parquet file of vectors: {error}.") from error


def metric_of(model: str) -> Metric:
    """How vectors of an embedding model are compared: as the catalogue says, by cosine where it is silent."""
    known = embeddings().get(model)
    return known.metric if known else "cosine"


def matrix_of(rows: pa.Table, metric: Metric) -> Matrix:
    """The rows' vectors, shape (rows, dimension); of length 1 for cosine, so that the inner product is it.

    Raises UserError for vectors of different dimensions, for NaN and infinity, and, for cosine, for zero.
    """
    vectors = rows["vector"].combine_chunks()
    dimensions = pc.unique(pc.fill_null(pc.list_value_length(vectors), 0)).to_pylist()
    if len(dimensions) > 1 or dimensions == [0]:
        raise UserError(f"Vectors of one index need one dimension, these have {sorted(dimensions)}.")
    values = pc.list_flatten(vectors).to_numpy(zero_copy_only=False)
    matrix = values.astype(np.float32).reshape(len(rows), -1)
    broken = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if len(broken):
        raise UserError(f"The vector '{rows['id'][broken[0].item()]}' has values that are not numbers.")
    return unit_vectors(matrix, rows["id"].to_pylist()) if metric == "cosine" else matrix


def unit_vectors(matrix: Matrix, names: Sequence[str]) -> Matrix:
    """Each row divided by its length. Raises UserError for a row of zeros, which has no direction."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    zero = np.flatnonzero(lengths[:, 0] == 0)
    if len(zero):
        raise UserError(f"The vector '{names[zero[0]]}' is all zeros, which has no cosine with anything.")
    return matrix / lengths
