"""Whether two vectors show the same person, and which of many do.

Average linkage: two groups are as far apart as their vectors are on average, in squared distance, and the
nearest two join until none are within the model's threshold. That average follows from each group's mean and
mean squared length (distance D2 of Zhang et al., "BIRCH: an efficient data clustering method for very large
databases", 1996), and groups that are each other's nearest may join at once (Murtagh, "A survey of recent
advances in hierarchical clustering algorithms", 1983): no matrix of all pairs is kept, and the inner loop
multiplies matrices. benchmarks/faces.md compares it with HDBSCAN and label propagation.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist

from containers.common.models.embeddings import Embedding, embeddings

CELLS = 2**24  # distances in memory at once: 64 MB
NOBODY = -1

Vectors = NDArray[np.floating]


class Verification(NamedTuple):
    same: bool
    distance: float


def compare_faces(one: ArrayLike, other: ArrayLike, model: str) -> Verification:
    """Verifies that two vectors (d,) of `model` are of the same person."""
    embedding = embeddings()[model]
    distance = float(cdist(np.atleast_2d(one), np.atleast_2d(other), embedding.metric)[0, 0])
    return Verification(distance <= embedding.limit, distance)


def group_people(
    faces: Sequence[Vectors],
    model: str | Embedding,
    apart: Sequence[tuple[int, int]] = (),
    threshold: float | None = None,
    weights: Sequence[ArrayLike] | None = None,
    owners: Sequence[int] | None = None,
) -> list[int]:
    """A person's number for each item of `faces`, from 0 in the order of first appearance.

    An item is an array (n, d) of vectors of `model` known to be one person's: a track's best crops, or an
    example of somebody known. `weights` has a number for each of its vectors, 1 when not given.

    Items of a pair in `apart` are never put together. `owners` has a number from 0 for items of people who
    are known, -1 for others: items of one owner get one number, those of two owners never do.
    """
    if not len(faces):
        return []
    embedding = embeddings()[model] if isinstance(model, str) else model
    limit = embedding.limit if threshold is None else threshold
    groups = _Groups(faces, weights, embedding, limit, apart, owners)
    while groups.join_nearest():
        pass
    order: dict[int, int] = {}
    return [order.setdefault(int(label), len(order)) for label in groups.labels()]


class _Groups:
    """Groups of items while they are being put together; row g of every array is a group's."""

    def __init__(
        self,
        faces: Sequence[Vectors],
        weights: Sequence[ArrayLike] | None,
        embedding: Embedding,
        limit: float,
        apart: Sequence[tuple[int, int]],
        owners: Sequence[int] | None,
    ) -> None:
        count = len(faces)
        rows = np.concatenate([np.atleast_2d(item) for item in faces]).astype(np.float64)
        each = np.repeat(np.arange(count), [len(np.atleast_2d(item)) for item in faces])
        weight = np.ones(len(rows)) if weights is None else np.concatenate([np.ravel(one) for one in weights])
        # In squared Euclidean distance, of which the cosine distance of unit vectors is half.
        cosine = embedding.metric == "cosine"
        if cosine:
            rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        self.limit = 2 * limit if cosine else limit**2
        self.center = rows.mean(0)  # differences of large numbers lose digits
        rows -= self.center
        weight = np.maximum(weight, 1e-6)
        firsts = np.flatnonzero(np.diff(each, prepend=-1))
        self.weight = np.add.reduceat(weight, firsts)
        self.mean = np.add.reduceat(rows * weight[:, None], firsts) / self.weight[:, None]
        self.square = np.add.reduceat((rows**2).sum(1) * weight, firsts) / self.weight
        self.owner = np.full(count, NOBODY) if owners is None else np.asarray(owners)
        self.item = np.arange(count)  # item to group
        pairs = np.array([pair for pair in apart if pair[0] != pair[1]], int).reshape(-1, 2)
        ends = np.concatenate([pairs, pairs[:, ::-1]])
        self.apart = csr_array((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), shape=(count, count))
        self.nearest = np.full(count, NOBODY)
        self.distance = np.full(count, np.inf)
        self.open = np.arange(count)  # groups that may still join another
        self.stale = np.arange(count)  # those whose nearest is not known

    def labels(self) -> NDArray[np.intp]:
        """Each item's group; all groups of one owner count as one."""
        groups = self.item.copy()
        for owner in np.unique(self.owner[self.owner != NOBODY]):
            mine = np.flatnonzero(self.owner == owner)
            groups[np.isin(groups, mine)] = mine[0]
        return groups

    def join_nearest(self) -> bool:
        """Joins all groups that are each other's nearest; False when none are left within the limit.

        A group that is farther than the limit from all others stays so, whoever joins whom: an average over
        two groups is not below both. So it is looked at no more, and the nearest of a group stays its nearest
        until that one joins another.
        """
        self._find_nearest()
        self.open = self.open[self.distance[self.open] <= self.limit]
        mine = self.nearest[self.open]
        mutual = (self.nearest[mine] == self.open) & (self.open < mine)
        one, other = self.open[mutual], mine[mutual]
        if not len(one):
            return False
        self._join(one, other)
        changed = np.zeros(len(self.mean), bool)
        changed[one] = changed[other] = True
        # What joins one of an owner's groups is kept apart from the owner's others.
        changed |= np.isin(self.owner, np.setdiff1d(self.owner[one], NOBODY))
        self.open = self.open[~np.isin(self.open, other)]
        moved = changed[self.open] | changed[self.nearest[self.open]]
        self.stale = self.open[moved]
        return True

    def _join(self, one: NDArray[np.intp], other: NDArray[np.intp]) -> None:
        whole = self.weight[one] + self.weight[other]
        share = (self.weight[other] / whole)[:, None]
        self.mean[one] += (self.mean[other] - self.mean[one]) * share
        self.square[one] += (self.square[other] - self.square[one]) * share[:, 0]
        self.weight[one] = whole
        self.owner[one] = np.maximum(self.owner[one], self.owner[other])
        self.owner[other] = NOBODY
        into = np.arange(len(self.mean))
        into[other] = one
        self.item = into[self.item]

    def _find_nearest(self) -> None:
        """Of every stale group, among the open ones that it may join."""
        columns = self.open
        means = self.mean[columns].astype(np.float32)
        forbidden = self._forbidden(columns) if self.apart.nnz else None
        known = self.owner[columns]
        places = np.searchsorted(columns, self.stale)
        step = max(1, CELLS // max(1, len(columns)))
        for first in range(0, len(self.stale), step):
            rows, at = self.stale[first : first + step], places[first : first + step]
            apart = self.square[rows, None].astype(np.float32) + self.square[None, columns].astype(np.float32)
            apart -= 2 * means[at] @ means.T
            apart[np.arange(len(rows)), at] = np.inf
            if forbidden is not None:
                block = forbidden[at].tocoo()
                apart[block.row, block.col] = np.inf
            if (mine := np.flatnonzero(self.owner[rows] != NOBODY)).size:
                others = (known[None] != NOBODY) & (known[None] != self.owner[rows[mine], None])
                apart[mine] = np.where(others, np.inf, apart[mine])
            best = apart.argmin(1)
            self.nearest[rows] = columns[best]
            self.distance[rows] = apart[np.arange(len(rows)), best]

    def _forbidden(self, columns: NDArray[np.intp]) -> csr_array:
        """(open groups, open groups): which hold a pair that is kept apart, an owner's groups being one."""
        heads = np.arange(len(self.mean))
        owned = np.flatnonzero(self.owner != NOBODY)
        if owned.size:
            _, first, inverse = np.unique(self.owner[owned], return_index=True, return_inverse=True)
            heads[owned] = owned[first[inverse]]
        pairs = self.apart.tocoo()
        ends = heads[self.item[pairs.row]], heads[self.item[pairs.col]]
        size = len(self.mean)
        whole = csr_array((np.ones(len(ends[0]), bool), ends), shape=(size, size))
        return whole[heads[columns]][:, heads[columns]]
