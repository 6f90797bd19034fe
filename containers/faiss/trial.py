"""Trying an index out on a sample of its own vectors: how wide to search it, and whether it may serve."""

import numpy as np
from numpy.typing import NDArray

from containers.common.errors import UserError
from containers.common.index.vectors import Matrix
from containers.common.index.version import Tuning
from containers.faiss import index as faiss_index
from containers.faiss.opened import Opened
from containers.faiss.search import refined
from containers.faiss.truth import DEPTH, Truth, others

MARGIN = 0.02  # a sample is not all queries: it is to find more than what is wanted
CODES = {"SQ8": 2, "SQ": 4, "PQ": 8}  # candidates per wanted match that suit an encoding, to begin with
MOST = 64
TIE = 1e-5  # relative: closer than float32 can tell
KNOWN_MISSED = 0.05


class NotGoodEnough(UserError):
    """A version that must not become the current one."""


def recall_of(opened: Opened, truth: Truth, tuning: Tuning) -> float:
    """The share of the exact nearest that the index finds: recall@10, for vectors other than the query.

    What is as near as the tenth counts, whichever of several equal vectors it is.
    """
    depth = truth.nearest.shape[1]
    if not depth:
        return 1.0
    k = min((depth + 1) * tuning.refine, opened.version.count)
    queries = np.ascontiguousarray(opened.exact(truth.slots))
    slots = faiss_index.nearest(opened.index, queries, k, tuning)[1]
    if tuning.refine > 1:
        slots = refined(opened, queries, slots, depth + 1)[1]
    found = others(slots, truth.slots, depth)
    least = _nearness(opened, queries, truth.nearest[:, -1:])
    hits = (found >= 0) & (_nearness(opened, queries, found) >= least - TIE * (1 + np.abs(least)))
    return float(np.mean(hits))


def _nearness(opened: Opened, queries: Matrix, slots: NDArray[np.int64]) -> NDArray[np.float32]:
    """Higher is nearer: cosine, or the negative squared distance; shape of `slots` (queries, any)."""
    vectors = opened.exact(np.maximum(slots, 0).ravel()).reshape(*slots.shape, -1)
    if opened.version.metric == "cosine":
        return np.einsum("qd,qkd->qk", queries, vectors)
    return -np.square(queries[:, None] - vectors).sum(axis=2)


def tune(opened: Opened, truth: Truth, wanted: float, start: Tuning | None = None) -> tuple[Tuning, float]:
    """The narrowest search that finds the wanted share and a margin, and what it finds; or the widest."""
    goal = min(wanted + MARGIN, 0.999)
    tuning = start or _narrowest(opened)
    best = (tuning, recall_of(opened, truth, tuning))
    while best[1] < goal:
        wider = _wider(opened, best[0], truth)
        if wider is None:
            break
        best = wider
    return best


def _narrowest(opened: Opened) -> Tuning:
    kind = opened.version.type
    refine = next((factor for code, factor in CODES.items() if code in kind), 2 if "PCA" in kind else 1)
    if faiss_index.inverted_file(opened.index) is not None:
        return Tuning(nprobe=1, refine=refine)
    return Tuning(ef_search=16, refine=refine) if "HNSW" in kind else Tuning(refine=refine)


def _wider(opened: Opened, tuning: Tuning, truth: Truth) -> tuple[Tuning, float] | None:
    """Whichever of more lists (or a wider walk) and more candidates finds more; None when neither is left."""
    ivf = faiss_index.inverted_file(opened.index)
    tries = []
    if ivf is not None and tuning.nprobe and tuning.nprobe < ivf.nlist:
        tries.append({"nprobe": min(ivf.nlist, 2 * tuning.nprobe)})
    if tuning.ef_search and tuning.ef_search < min(4096, 2 * opened.version.count):
        tries.append({"ef_search": 2 * tuning.ef_search})
    if tuning.refine > 1 and tuning.refine < MOST and tuning.refine * DEPTH < opened.version.count:
        tries.append({"refine": 2 * tuning.refine})
    tried = [tuning.model_copy(update=changes) for changes in tries]
    return max(
        ((wider, recall_of(opened, truth, wider)) for wider in tried), key=lambda x: x[1], default=None
    )


def check_known(opened: Opened, slots: NDArray[np.int64], tuning: Tuning) -> None:
    """Known matches: stored vectors, searched for, find themselves (or a twin) first.

    Raises NotGoodEnough when more than one in twenty does not.
    """
    if not len(slots):
        return
    queries = np.ascontiguousarray(opened.exact(slots))
    k = min(2 * tuning.refine, opened.version.count)
    candidates = faiss_index.nearest(opened.index, queries, k, tuning)[1]
    first = refined(opened, queries, candidates, 1)[1][:, 0]
    twins = np.isclose(opened.exact(np.maximum(first, 0)), queries, atol=1e-4).all(axis=1)
    missed = slots[(first < 0) | ((first != slots) & ~twins)]
    if len(missed) > KNOWN_MISSED * len(slots):
        row = opened.rows.slice(int(opened.positions(missed[:1])[0]), 1).to_pylist()[0]
        raise NotGoodEnough(
            f"{len(missed)} of {len(slots)} stored vectors do not find themselves, '{row['id']}' is one"
        )
