"""Exact vectors in a file, read as they are needed and let go of again."""

import mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


class MappedVectors:
    """A file of float32 numbers, row after row; `matrix` has shape (count, dimension) and lies on disk."""

    def __init__(self, path: Path, dimension: int) -> None:
        self._mapping = None
        self.matrix: Matrix = np.empty((0, dimension), np.float32)
        with path.open("rb") as stream:
            if path.stat().st_size >= 4 * dimension:
                self._mapping = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
                numbers = path.stat().st_size // (4 * dimension) * dimension
                self.matrix = np.frombuffer(self._mapping, np.float32, numbers).reshape(-1, dimension)

    def __len__(self) -> int:
        return len(self.matrix)

    def release(self) -> None:
        """Gives back the memory of the pages read so far.

        They stay in the system's cache, but no longer count as this process's: whoever watches its memory
        would take a file that was read once for memory in use.
        """
        if self._mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._mapping.madvise(mmap.MADV_DONTNEED)
