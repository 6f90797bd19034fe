"""A version opened for reading: the faiss index, its rows and its exact vectors, all memory-mapped."""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from containers.common import storage
from containers.common.errors import UserError
from containers.common.index.delta import held_parts
from containers.common.index.vectors import Matrix
from containers.common.index.version import IndexVersion
from containers.common.index.versions import VECTORS
from containers.common.models.store import sha256_of
from containers.faiss import index as faiss_index
from containers.faiss.mapped import MappedVectors

BLOCK = 16_384  # vectors read at once


class Damaged(UserError):
    """A version's files are not those that were written."""


@dataclass(frozen=True)
class Opened:
    """`rows` has the columns of rows.COLUMNS and `slot`, ascending: the number faiss knows a vector by.

    Slots count through the exact vectors of all segments; those of vectors taken out stay empty.
    """

    version: IndexVersion
    index: Any
    rows: pa.Table
    segments: tuple[MappedVectors, ...]
    parts: dict[str, str]  # asset: digest of its embeddings

    @cached_property
    def slots(self) -> NDArray[np.int64]:
        return self.rows["slot"].to_numpy()

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The first slot of each segment, and after the last one the number of slots."""
        return np.cumsum([0, *(len(segment) for segment in self.segments)])

    def positions(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of slots that are in use."""
        return slots if len(self.slots) == self.starts[-1] else np.searchsorted(self.slots, slots)

    def exact(self, slots: NDArray[np.int64]) -> Matrix:
        """The exact vectors of slots, shape (slots, dimension), in the order given."""
        if len(slots) and np.all(np.diff(slots) == 1):  # a run is read where it lies
            number = int(np.searchsorted(self.starts, slots[0], side="right")) - 1
            if slots[-1] < self.starts[number + 1]:
                first = slots[0] - self.starts[number]
                return self.segments[number].matrix[first : first + len(slots)]
        if len(self.segments) == 1:
            return self.segments[0].matrix[slots]
        vectors = np.empty((len(slots), self.version.dimension), np.float32)
        which = np.searchsorted(self.starts, slots, side="right") - 1
        for number, segment in enumerate(self.segments):
            chosen = which == number
            vectors[chosen] = segment.matrix[slots[chosen] - self.starts[number]]
        return vectors

    def release(self) -> None:
        """Gives back the memory of exact vectors that were read."""
        for segment in self.segments:
            segment.release()


def open_version(index_uri: str, version: IndexVersion, to_change: bool = False) -> Opened:
    """Opens a version; `to_change` reads the faiss index into memory, where it can be added to.

    Raises Damaged when a file is not the one that was written.
    """
    place = storage.join(index_uri, version.version)
    with ExitStack() as files:

        def fetched(name: str) -> Path:
            return files.enter_context(storage.reading(storage.join(place, name)))

        path = fetched("index.faiss")
        if sha256_of(path) != version.sha256:
            raise Damaged(f"{path} is damaged: roll the index back or build it again.")
        index = faiss_index.load(path, version.type, mapped=not to_change)
        rows = read_arrow(fetched("rows.arrow"))
        segments = []
        for segment in version.segments:
            uri = storage.join(index_uri, segment.version, VECTORS)
            vectors = MappedVectors(files.enter_context(storage.reading(uri)), version.dimension)
            if len(vectors) != segment.count:
                raise Damaged(f"{uri} is damaged: roll the index back or build it again.")
            segments.append(vectors)
    return Opened(version, index, rows, tuple(segments), held_parts(index_uri, version))


def read_arrow(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def write_arrow(rows: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows)
