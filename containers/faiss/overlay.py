"""The delta as a search sees it: rows and vectors to compare, and rows of the version that they replace."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from containers.common.errors import UserError
from containers.common.index.delta import DeltaFile, read_delta
from containers.common.index.vectors import Matrix, matrix_of, metric_of, pc
from containers.common.index.version import Metric
from containers.faiss.opened import Opened
from containers.faiss.rows import COLUMNS, describe


@dataclass(frozen=True)
class Taken:
    """One file of the delta, read."""

    rows: pa.Table
    vectors: Matrix


@dataclass(frozen=True)
class Overlay:
    """`read` holds the files that the version has not taken in; `hidden` the version's rows they replace."""

    files: tuple[DeltaFile, ...]
    read: dict[DeltaFile, Taken]
    hidden: NDArray[np.bool_] | None
    model: str
    metric: Metric
    dimension: int

    @cached_property
    def rows(self) -> pa.Table:
        return pa.concat_tables([COLUMNS.empty_table(), *(taken.rows for taken in self.read.values())])

    @cached_property
    def vectors(self) -> Matrix:
        blocks = [taken.vectors for taken in self.read.values() if len(taken.vectors)]
        return np.concatenate(blocks) if blocks else np.empty((0, self.dimension), np.float32)


def make_overlay(
    index_uri: str, files: tuple[DeltaFile, ...], opened: Opened | None, before: Overlay | None
) -> Overlay:
    """Reads what is new in the delta; what `before` has read is not read again.

    Raises UserError when the delta holds nothing and there is no version, or when dimensions differ.
    """
    held = opened.parts if opened else {}
    counting = [file for file in files if held.get(file.asset) != file.digest]
    known = before.read if before else {}
    tables = {file: read_delta(index_uri, file) for file in counting if file not in known}
    model, metric, dimension = _nature(index_uri, opened, known, tables, before)
    read = {}
    for file in counting:
        if file in known:
            read[file] = known[file]
            continue
        rows = tables[file]
        vectors = matrix_of(rows, metric) if len(rows) else np.empty((0, dimension), np.float32)
        if vectors.shape[1] != dimension:
            raise UserError(
                f"The index holds vectors of {dimension} dimensions, not of {vectors.shape[1]} "
                f"as in {file.name}."
            )
        read[file] = Taken(describe(rows), vectors)
    replaced = [file.asset for file in counting if file.asset in held]
    hidden = None
    if opened and replaced:
        hidden = pc.is_in(opened.rows["asset"], pa.array(replaced)).to_numpy().astype(bool)
    return Overlay(files, read, hidden, model, metric, dimension)


def _nature(
    index_uri: str,
    opened: Opened | None,
    known: dict[DeltaFile, Taken],
    tables: dict[DeltaFile, pa.Table],
    before: Overlay | None,
) -> tuple[str, Metric, int]:
    """Model, metric and dimension: the version's, or before there is one the delta's."""
    if opened:
        version = opened.version
        return version.model, version.metric, version.dimension
    if before and known:
        return before.model, before.metric, before.dimension
    for table in tables.values():
        if len(table):
            model = table["model"][0].as_py()
            return model, metric_of(model), len(table["vector"][0])
    raise UserError(f"There is no index at {index_uri}: build one or analyse something first.")
