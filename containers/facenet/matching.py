"""Whether two face vectors show the same person, and which of many do."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist, squareform

APART = 1e6  # a distance that no average of others brings below a threshold


class Metric(NamedTuple):
    """How a model's vectors are compared; `threshold` is the largest distance of one person's faces."""

    name: Literal["euclidean", "cosine"]  # of scipy's cdist
    threshold: float


METRICS = {
    "faceapi": Metric("euclidean", 0.4),
    "facenet-vggface2": Metric("cosine", 0.5),
}


class Match(NamedTuple):
    same: bool
    distance: float


def compare_faces(one: ArrayLike, other: ArrayLike, model: str) -> Match:
    """Verifies that two vectors (d,) of `model` are of the same person."""
    metric = METRICS[model]
    distance = float(cdist(np.atleast_2d(one), np.atleast_2d(other), metric.name)[0, 0])
    return Match(distance <= metric.threshold, distance)


def group_people(
    faces: Sequence[NDArray[np.floating]],
    model: str | Metric,
    apart: Sequence[tuple[int, int]] = (),
    threshold: float | None = None,
) -> list[int]:
    """A person's number for each item of `faces`, from 0 in the order of first appearance.

    An item is an array (n, d) of vectors of `model` known to be one person's: a track's best crops, or a
    person of another file. Items of a pair in `apart` are never put together. Average linkage over the mean
    distance between items, cut at the model's threshold; takes O(items squared) memory.
    """
    metric = METRICS[model] if isinstance(model, str) else model
    if len(faces) < 2:
        return [0] * len(faces)
    vectors = np.concatenate([np.atleast_2d(item) for item in faces])
    counts = np.array([len(np.atleast_2d(item)) for item in faces])
    firsts = np.cumsum(counts) - counts
    sums = np.add.reduceat(cdist(vectors, vectors, metric.name), firsts, axis=0)
    distances = np.add.reduceat(sums, firsts, axis=1) / np.outer(counts, counts)
    np.fill_diagonal(distances, 0)
    for one, other in apart:
        distances[one, other] = distances[other, one] = APART
    tree = linkage(squareform(distances, checks=False), "average")
    labels = fcluster(tree, metric.threshold if threshold is None else threshold, "distance")
    order: dict[int, int] = {}
    return [order.setdefault(int(label), len(order)) for label in labels]
