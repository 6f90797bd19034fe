"""Vectors on their way into a version: appended to a file, so that memory holds one part at a time."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from containers.common import storage
from containers.common.errors import UserError
from containers.common.index.vectors import Matrix, matrix_of, pc, read_rows
from containers.common.index.version import EmbeddingsFile, Metric
from containers.faiss.mapped import MappedVectors
from containers.faiss.opened import BLOCK, Opened
from containers.faiss.rows import COLUMNS, describe


def read_parts(uri: str) -> dict[str, EmbeddingsFile]:
    """The parts that a ReindexRequest lists, by asset. Raises UserError when an asset occurs twice."""
    with storage.reading(uri) as path:
        listed = [EmbeddingsFile.model_validate(row) for row in pq.ParquetFile(path).read().to_pylist()]
    parts = {part.asset: part for part in listed}
    if len(parts) < len(listed):
        raise UserError(f"{uri} lists an asset twice.")
    return parts


@dataclass
class Staged:
    """Rows and vectors written so far; `dimension` is 0 until there are some."""

    path: Path
    metric: Metric
    dimension: int = 0
    count: int = 0
    tables: list[pa.Table] = field(default_factory=list)

    def add(self, rows: pa.Table) -> None:
        """Rows of vectors.SCHEMA. Raises UserError for vectors that cannot be indexed."""
        if len(rows):
            self.append(describe(rows), matrix_of(rows, self.metric))

    def append(self, rows: pa.Table, vectors: Matrix) -> None:
        dimension = vectors.shape[1]
        if self.dimension not in (0, dimension):
            raise UserError(f"The index holds vectors of {self.dimension} dimensions, not of {dimension}.")
        with self.path.open("ab") as stream:
            stream.write(np.ascontiguousarray(vectors).data)
        self.dimension = dimension
        self.count += len(rows)
        self.tables.append(rows)

    @property
    def rows(self) -> pa.Table:
        return pa.concat_tables([COLUMNS.empty_table(), *self.tables])

    def mapped(self) -> MappedVectors:
        return MappedVectors(self.path, self.dimension)


def stage_parts(parts: Iterable[EmbeddingsFile], model: str, staged: Staged) -> None:
    """Raises UserError for a part that holds another asset's rows."""
    for part in parts:
        rows = read_rows([part.uri], model)
        if len(rows) and set(pc.unique(rows["asset"]).to_pylist()) != {part.asset}:
            raise UserError(f"{part.uri} holds vectors of other assets than {part.asset}.")
        staged.add(rows)


def keep_rows(opened: Opened, without: Iterable[str]) -> pa.Table:
    """The version's rows but for those of some assets, with their slots."""
    gone = pc.is_in(opened.rows["asset"], pa.array(list(without), pa.string()))
    return opened.rows.filter(pc.invert(gone))


def copy_rows(opened: Opened, kept: pa.Table, staged: Staged) -> None:
    """Appends rows of an older version with their exact vectors, a block at a time."""
    slots = kept["slot"].to_numpy()
    plain = kept.select(COLUMNS.names)
    for start in range(0, len(kept), BLOCK):
        staged.append(plain.slice(start, BLOCK), opened.exact(slots[start : start + BLOCK]))
        opened.release()


def blocks(vectors: MappedVectors) -> Iterator[Matrix]:
    for start in range(0, len(vectors), BLOCK):
        yield np.array(vectors.matrix[start : start + BLOCK])
        vectors.release()


def write_digests(held: Mapping[str, str], path: Path) -> None:
    """The version's parts.parquet: which asset's embeddings, in which state, it holds."""
    pq.write_table(pa.table({"asset": list(held), "digest": list(held.values())}, schema=DIGESTS), path)


DIGESTS = pa.schema([("asset", pa.string()), ("digest", pa.string())])
