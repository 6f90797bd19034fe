"""Faces: detection AP, verification by vectors, and how pure the people put together are.

AP at IoU >= 0.5: M. Everingham et al., The PASCAL VOC Challenge, 2010, the area under the whole curve.
Verification: true accept rate at a false accept rate (P. Grother, NIST FRVT); intervals draw people, not
pairs: R. Bolle et al., Error analysis of pattern recognition systems - the subsets bootstrap, 2004.
Purity: C. Manning et al., Introduction to Information Retrieval, 2008, sec. 16.3.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from containers.common.documents.faces import Face
from containers.common.media.box import Box, intersection_over_union
from containers.common.models.embeddings import embeddings
from tasks.evaluation.dataset import MarkedFace
from tasks.evaluation.ranking import Ranking
from tasks.evaluation.statistics import Measure, Value, Weights, mean

IOU = 0.5
FARS = (0.1, 0.01)


def match_faces(marked: Sequence[MarkedFace], found: Sequence[Face]) -> list[int | None]:
    """For each face found, the surest first, the marked face that it is; each marked face is found once."""
    boxes = (Box(x=f.box[0], y=f.box[1], width=f.box[2], height=f.box[3]) for f in marked)
    free = {number: box.corners for number, box in enumerate(boxes)}
    matches: list[int | None] = [None] * len(found)
    for place in sorted(range(len(found)), key=lambda number: -found[number].detection.score):
        box = found[place].detection.box.corners
        best = max(free, key=lambda number: intersection_over_union(free[number], box), default=None)
        if best is not None and intersection_over_union(free[best], box) >= IOU:
            matches[place] = best
            del free[best]
    return matches


def score_picture(marked: Sequence[MarkedFace], found: Sequence[Face], threshold: float) -> dict[str, Any]:
    """One row: the marked faces, every score and whether it is a face; counts from `threshold` on."""
    matches = match_faces(marked, found)
    scores = [face.detection.score for face in found]
    hits = [match is not None for match in matches]
    sure = [hit for hit, score in zip(hits, scores, strict=True) if score >= threshold]
    return {
        "faces": len(marked),
        "scores": scores,
        "hits": hits,
        "found": sum(sure),
        "wrong": len(sure) - sum(sure),
        "missed": len(marked) - sum(sure),
        "count_error": len(marked) + len(sure) - 2 * sum(sure),
    }


def precision_recall(rows: pd.DataFrame, weights: Weights | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision after each detection, the surest first; rows weigh 1 when not said otherwise."""
    weights = np.ones(len(rows)) if weights is None else weights
    lengths = [len(scores) for scores in rows["scores"]]
    scores = np.concatenate([np.zeros(0), *rows["scores"]])
    hits = np.concatenate([np.zeros(0), *rows["hits"]]).astype(bool)
    order = np.argsort(-scores, kind="stable")
    each, hits = np.repeat(weights, lengths)[order], hits[order]
    right, all_ = np.cumsum(each * hits), np.cumsum(each)
    total = weights @ rows["faces"].to_numpy(float)
    used = all_ > 0
    return right[used] / (total or np.nan), right[used] / all_[used]


def average_precision(rows: pd.DataFrame) -> Value:
    def value(weights: Weights) -> float:
        if not weights @ rows["faces"].to_numpy(float):
            return np.nan
        recall, precision = precision_recall(rows, weights)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.sum(np.diff(recall, prepend=0.0) * best))

    return value


def pairs(faces: pd.DataFrame, model: str) -> pd.DataFrame:
    """Every two faces of a session: `item` is the first one's person, `similarity` is less distance.

    `faces` has a row a face: session, person, picture, vector.
    """
    metric = embeddings()[model].metric
    rows = []
    for session, group in faces.groupby("session", sort=True):
        vectors = np.array(group["vector"].tolist())
        distances = cdist(vectors, vectors, metric)
        people, pictures = group["person"].tolist(), group["picture"].tolist()
        for one, other in combinations(range(len(group)), 2):
            rows.append(
                {
                    "item": f"{session} {people[one]}",
                    "one": pictures[one],
                    "other": pictures[other],
                    "person": people[one],
                    "other_person": people[other],
                    "same": people[one] == people[other],
                    "similarity": -distances[one, other],
                }
            )
    columns = ["item", "one", "other", "person", "other_person", "same", "similarity"]
    return pd.DataFrame(rows, columns=columns)


def seen_at_once(pictures: Iterable[str]) -> list[tuple[int, int]]:
    """Positions of every two faces of one picture, who are two people."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for number, picture in enumerate(pictures):
        places[picture].append(number)
    return [pair for own in places.values() for pair in combinations(own, 2)]


def _area(rows: pd.DataFrame) -> Value:
    return Ranking(rows["same"], rows["similarity"]).area


def _accepts_at(rate: float) -> Callable[[pd.DataFrame], Value]:
    def of(rows: pd.DataFrame) -> Value:
        ranking = Ranking(rows["same"], rows["similarity"])
        return lambda weights: ranking.true_rate(weights, rate)

    return of


def purity(rows: pd.DataFrame, inside: str = "cluster", of: str = "person") -> Value:
    """The share of faces that belong to the commonest `of` of their `inside`."""
    session = rows["session"].astype(str)
    groups, kinds = (pd.factorize(session + " " + rows[name].astype(str))[0] for name in (inside, of))
    shape = (groups.max(initial=-1) + 1, kinds.max(initial=-1) + 1)
    cells = groups * shape[1] + kinds

    def value(weights: Weights) -> float:
        if not weights.sum():
            return np.nan
        counts = np.bincount(cells, weights, shape[0] * shape[1]).reshape(shape)
        return float(counts.max(axis=1).sum() / weights.sum())

    return value


def pairwise(side: str) -> Callable[[pd.DataFrame], Value]:
    """Of all pairs of faces (tracks) of one `side` in a session the share that is of the other side too.

    `side` "cluster": precision of what was put together; "person": recall. E. Amigo et al., A comparison of
    extrinsic clustering evaluation metrics, Information Retrieval 12 (2009), sec. 3.
    """

    def of(rows: pd.DataFrame) -> Value:
        session, cluster, person = (rows[name].astype(str) for name in ("session", "cluster", "person"))
        both = pd.factorize(session + "\0" + cluster + "\0" + person)[0]
        one = pd.factorize(session + "\0" + (cluster if side == "cluster" else person))[0]

        def value(weights: Weights) -> float:
            asked = _pairs(one, weights)
            return _pairs(both, weights) / asked if asked > 0 else np.nan

        return value

    return of


def _pairs(codes: np.ndarray, weights: Weights) -> float:
    """The weight of all pairs of rows of one code; a row that is drawn twice is no pair with itself."""
    sums = np.bincount(codes, weights) if len(codes) else np.zeros(1)
    return float(sums @ sums - weights @ weights) / 2


PAIRS = [
    Measure("pair_precision", "People: pairs rightly together", "higher", pairwise("cluster")),
    Measure("pair_recall", "People: pairs that are together", "higher", pairwise("person")),
]
MEASURES = [
    Measure("ap", "Detection AP at IoU 0.5", "higher", average_precision),
    Measure("count_error", "Faces missed or wrong, a picture", "lower", mean("count_error"), "faces", 2),
    Measure("auc", "Verification: area under ROC", "higher", _area, table="pairs"),
    *(
        Measure(f"tar_at_{far}", f"True accept rate at FAR {far}", "higher", _accepts_at(far), table="pairs")
        for far in FARS
    ),
    Measure("purity", "Purity of people put together", "higher", purity, table="clusters"),
    Measure(
        "completeness",
        "Faces of a person that are together",
        "higher",
        lambda rows: purity(rows, "person", "cluster"),
        table="clusters",
    ),
    *(measure._replace(table="clusters") for measure in PAIRS),
]
