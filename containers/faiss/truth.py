"""The exact nearest of a sample of an index's own vectors, which its answers are held against.

Comparing the sample with every vector is most of the work of adding a few. So a version keeps its truth, and
the next one compares the sample with what is new, and with everything only what it draws anew: queries that
were taken out, or lost one of their nearest, and as large a share as is new.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from containers.common import storage
from containers.common.index.vectors import Matrix
from containers.faiss import index as faiss_index
from containers.faiss.opened import BLOCK, Opened

FILE = "truth.npz"
SAMPLE = 100  # queries; each is a stored vector, which must find its ten nearest others
DEPTH = 10


@dataclass(frozen=True)
class Truth:
    """Sample queries as slots, shape (queries,); the slots nearest to them, themselves among them, and their
    scores, best first, shape (queries, at most 11)."""

    slots: NDArray[np.int64]
    near: NDArray[np.int64]
    scores: NDArray[np.float32]

    @property
    def nearest(self) -> NDArray[np.int64]:
        """The nearest others, shape (queries, at most 10)."""
        return others(self.near, self.slots, self.near.shape[1] - 1)

    def part(self, chosen: NDArray[np.int64]) -> "Truth":
        return Truth(self.slots[chosen], self.near[chosen], self.scores[chosen])

    def beside(self, other: "Truth") -> "Truth":
        return Truth(
            np.concatenate([self.slots, other.slots]),
            np.concatenate([self.near, other.near]),
            np.concatenate([self.scores, other.scores]),
        )


def others(slots: NDArray[np.int64], selves: NDArray[np.int64], depth: int) -> NDArray[np.int64]:
    """Without the query itself; where it is not among its nearest (a twin is), without the last."""
    order = np.argsort(slots == selves[:, None], axis=1, kind="stable")
    return np.take_along_axis(slots, order, 1)[:, :depth]


def exact_truth(opened: Opened, known: Truth | None = None, new: int = 0) -> Truth:
    """The truth of an opened index. `known` is its base's, which lacks the last `new` vectors."""
    used = opened.slots
    size, depth = min(SAMPLE, len(used)), min(DEPTH + 1, len(used))
    random = np.random.default_rng(len(used))
    kept = _unknown(np.empty(0, np.int64), depth)
    if known is not None and known.near.shape[1] == depth:
        true = np.flatnonzero(np.isin(known.slots, used) & np.isin(known.near, used).all(axis=1))
        most = min(len(true), size - int(np.ceil(size * new / len(used))))
        kept = known.part(np.sort(random.choice(true, most, replace=False)))
        kept = _compared(opened, kept, used[len(used) - new :])
    drawn = np.setdiff1d(used, kept.slots, assume_unique=True)
    drawn = np.sort(random.choice(drawn, size - len(kept.slots), replace=False))
    return kept.beside(_compared(opened, _unknown(drawn), used))


def _unknown(slots: NDArray[np.int64], depth: int = 0) -> Truth:
    shape = len(slots), depth
    return Truth(slots, np.empty(shape, np.int64), np.empty(shape, np.float32))


def _compared(opened: Opened, truth: Truth, slots: NDArray[np.int64]) -> Truth:
    """What the queries have nearest when `slots` are taken into account too, a block at a time."""
    depth = min(DEPTH + 1, len(opened.slots))
    if not len(truth.slots):
        return _unknown(truth.slots, depth)
    queries = np.ascontiguousarray(opened.exact(truth.slots))
    faiss = faiss_index.library()
    cosine = opened.version.metric == "cosine"
    by = faiss.METRIC_INNER_PRODUCT if cosine else faiss.METRIC_L2
    near, scores = truth.near, truth.scores
    for start in range(0, len(slots), BLOCK):
        block = slots[start : start + BLOCK]
        opened.release()
        vectors: Matrix = np.ascontiguousarray(opened.exact(block))
        found, where = faiss.knn(queries, vectors, min(depth, len(block)), by)
        scores, near = np.hstack([scores, found]), np.hstack([near, block[where]])
        order = np.argsort(-scores if cosine else scores, axis=1, kind="stable")[:, :depth]
        scores, near = np.take_along_axis(scores, order, 1), np.take_along_axis(near, order, 1)
    return Truth(truth.slots, near, scores)


def read_truth(index_uri: str, version: str) -> Truth | None:
    """A version's truth; None when it was made before truths were kept."""
    folder = storage.join(index_uri, version)
    if FILE not in storage.list_names(folder):
        return None
    with storage.reading(storage.join(folder, FILE)) as path, np.load(path, allow_pickle=False) as held:
        return Truth(held["slots"], held["near"], held["scores"])
