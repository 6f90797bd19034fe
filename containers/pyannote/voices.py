"""Which known voice is heard, or a new one: clustering that never looks back.

Method: the incremental clustering of Coria et al., "Overlap-aware low-latency online speaker diarization
based on end-to-end local segmentation", ASRU 2021 (section 2.3): voices of one window are different speakers,
each is matched with the centroid nearest to it, or founds one. Added to it: windows overlap by nine tenths,
so a voice that is active where a known one was just active is likely that one.
"""

import numpy as np
from numpy.typing import NDArray

NEW = 0.33  # cosine distance to every known voice at which a voice is a new one
FAMILIAR = 0.25  # how much nearer a voice is that was active at the same moments of the window before
FOUNDING = 1.2  # seconds that a new voice must have been heard alone in the window,
FIRST = 0.4  # and the very first one
YOUNG = 0.15  # how much farther a voice may be from one of which less than FOUNDING was learned
LEARNING = 0.8  # seconds a voice must have been heard alone to change its centroid


class Voices:
    """Centroids of the speakers so far. Grows with their number, not with time."""

    def __init__(self, dimension: int) -> None:
        self._sums = np.zeros((0, dimension))
        self._seconds = np.zeros(0)  # learned from

    def __len__(self) -> int:
        return len(self._sums)

    def place(self, embeddings: NDArray, seconds: NDArray, familiar: NDArray) -> list[int | None]:
        """The voice of each row, no voice twice; None where it cannot be told.

        `embeddings` (rows, dimension) L2-normalised or NaN, `seconds` (rows,) heard alone, `familiar` (rows,
        voices) the part of the row's activity in which that voice was active before, 0 to 1.
        """
        from scipy.optimize import linear_sum_assignment

        known = len(self)
        distances = 1 - np.nan_to_num(embeddings) @ self._centroids().T
        distances -= YOUNG * (self._seconds < FOUNDING)
        cost = distances - FAMILIAR * familiar
        enough = seconds >= (FOUNDING if known else FIRST)
        founding = np.where(enough, NEW, 10.0)  # where it cannot be a new voice
        founding[np.isnan(embeddings).any(1)] = 10.0
        apart = np.full((len(cost), len(cost)), 20.0)
        np.fill_diagonal(apart, founding)
        rows, columns = linear_sum_assignment(np.hstack([cost, apart]))
        placed: list[int | None] = [None] * len(cost)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if column >= known:
                if founding[row] == NEW:
                    placed[row] = len(self)
                    self._sums = np.vstack([self._sums, embeddings[row] * seconds[row]])
                    self._seconds = np.append(self._seconds, seconds[row])
            elif not np.isnan(embeddings[row]).any():
                placed[row] = column
                if seconds[row] >= LEARNING and distances[row, column] < NEW:
                    self._sums[column] += embeddings[row] * seconds[row]
                    self._seconds[column] += seconds[row]
            elif familiar[row, column] > 0:
                placed[row] = column
        return placed

    def _centroids(self) -> NDArray:
        return self._sums / np.linalg.norm(self._sums, axis=1, keepdims=True)
