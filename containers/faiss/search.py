"""The search service: opens an index once, sees a new version or a new delta, and answers from both.

Safe to use from several threads; faiss itself spreads a batch over the cores.
"""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from containers.common.errors import StorageError, UserError
from containers.common.index import versions
from containers.common.index.delta import list_delta
from containers.common.index.found import Filter, Match, SearchResult
from containers.common.index.vectors import Matrix, unit_vectors
from containers.common.index.version import Metric
from containers.faiss import index as faiss_index
from containers.faiss.contract import SearchRequest
from containers.faiss.opened import Opened, open_version
from containers.faiss.overlay import Overlay, make_overlay
from containers.faiss.rows import match_of, passing

EXACT_ROWS = 4_096  # so few vectors are compared one by one sooner than an index is asked
BATCH_VALUES = 16_000_000  # numbers of candidates held at once
ATTEMPTS = 5


@dataclass(frozen=True)
class State:
    """What an index held when it was last looked at: a version, if there is one yet, and the delta."""

    opened: Opened | None
    overlay: Overlay


class Searcher:
    """Keeps indexes open between searches."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def state(self, index_uri: str) -> State:
        """The current version and delta, opened anew only where they changed.

        Raises UserError when there is neither.
        """
        with self._lock:
            lock = self._locks.setdefault(index_uri, threading.Lock())
        with lock:
            for attempt in range(ATTEMPTS):
                try:
                    state = self._states[index_uri] = self._look(index_uri)
                    return state
                except StorageError:  # a writer removed what it had just replaced: look again
                    if attempt == ATTEMPTS - 1:
                        raise
        raise AssertionError("unreachable")

    def _look(self, index_uri: str) -> State:
        # First the delta: a file that a writer takes in and removes after this is in the version read next.
        files = tuple(list_delta(index_uri))
        pointer = versions.pointer(index_uri)
        known = self._states.get(index_uri)
        if pointer is None:
            opened = None
            if not files:
                raise UserError(f"There is no index at {index_uri}: build one or analyse something first.")
        elif known and known.opened and known.opened.version.version == pointer.version:
            opened = known.opened
        else:
            self._states.pop(index_uri, None)  # the old one's memory, unless a search still uses it
            opened = open_version(index_uri, versions.manifest(index_uri, pointer.version))
            known = None
        if known and known.opened is opened and known.overlay.files == files:
            return known
        return State(opened, make_overlay(index_uri, files, opened, known and known.overlay))

    def search(self, request: SearchRequest) -> SearchResult:
        """The `k` nearest vectors of each query, best first; fewer when fewer pass the filter."""
        state = self.state(request.index_uri)
        metric = state.overlay.metric
        queries = _checked(request.vectors, state.overlay.dimension, metric)
        scores, rows = find(state, queries, request.k, request.where)
        if metric == "euclidean":
            scores = np.sqrt(np.maximum(scores, 0))  # faiss returns squared distances
        return SearchResult(
            matches=_matches(state, scores, rows),
            version=state.opened.version.version if state.opened else "",
        )


def _checked(vectors: list[list[float]], dimension: int, metric: Metric) -> Matrix:
    for vector in vectors:
        if len(vector) != dimension:
            raise UserError(f"The index holds vectors of {dimension} dimensions, not of {len(vector)}.")
    queries = np.array(vectors, np.float32)
    if not np.isfinite(queries).all():
        raise UserError("A query has values that are not numbers.")
    if metric == "cosine":
        return unit_vectors(queries, [f"query {number}" for number in range(len(queries))])
    return queries


def find(
    state: State, queries: Matrix, k: int, where: Filter | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Scores and rows, shape (queries, at most k), best first; row -1 and a score of NaN where there is none.

    Rows count through the version's and then through the delta's. Euclidean scores are squared distances.
    """
    where = where or Filter()
    opened, overlay = state.opened, state.overlay
    sign = 1 if overlay.metric == "cosine" else -1
    found = []
    if opened is not None and len(opened.rows):
        mask = passing(opened.rows, where)
        if overlay.hidden is not None:
            mask = ~overlay.hidden if mask is None else mask & ~overlay.hidden
        found.append(_in_version(opened, queries, k, mask))
    if len(overlay.rows):
        mask = passing(overlay.rows, where)
        chosen = np.arange(len(overlay.rows)) if mask is None else np.flatnonzero(mask)
        first = len(opened.rows) if opened else 0
        scores, rows = _all_of(overlay.vectors[chosen], queries, k, overlay.metric)
        found.append((scores, np.where(rows < 0, -1, np.append(chosen, 0)[rows] + first)))
    if not found:
        return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    scores, rows = (np.concatenate(part, axis=1) for part in zip(*found, strict=True))
    return _best(np.where(rows < 0, np.nan, scores), rows, k, sign)


def _in_version(
    opened: Opened, queries: Matrix, k: int, mask: NDArray[np.bool_] | None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Few vectors are all compared; many are searched by the index, passing over what the mask excludes."""
    version = opened.version
    available = version.count if mask is None else int(mask.sum())
    k = min(k, available)
    if mask is not None and (available <= EXACT_ROWS or not faiss_index.can_filter(opened.index)):
        chosen = np.flatnonzero(mask)
        scores, rows = _all_of(opened.exact(opened.slots[chosen]), queries, k, version.metric)
        return scores, np.where(rows < 0, -1, np.append(chosen, 0)[rows])
    allowed = None
    if mask is not None:
        allowed = np.zeros(opened.starts[-1], bool)
        allowed[opened.slots[mask]] = True
    wanted = min(available, k * version.tuning.refine)
    scores, slots = faiss_index.nearest(opened.index, queries, wanted, version.tuning, allowed)
    if version.tuning.refine > 1:
        scores, slots = refined(opened, queries, slots, k)
    rows = np.where(slots < 0, -1, opened.positions(np.maximum(slots, 0)))
    return scores, rows


def refined(
    opened: Opened, queries: Matrix, slots: NDArray[np.int64], k: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The best `k` of each query's candidates, by their exact vectors instead of their codes."""
    metric = opened.version.metric
    scores = np.full(slots.shape, np.nan, np.float32)
    step = max(1, BATCH_VALUES // max(1, slots.shape[1] * opened.version.dimension))
    for start in range(0, len(queries), step):
        part = slice(start, start + step)
        candidates = opened.exact(np.maximum(slots[part], 0).ravel())
        candidates = candidates.reshape(*slots[part].shape, -1)
        if metric == "cosine":
            scores[part] = np.matmul(candidates, queries[part, :, None])[:, :, 0]
        else:
            scores[part] = ((candidates - queries[part, None]) ** 2).sum(axis=2)
        opened.release()
    scores[slots < 0] = np.nan
    return _best(scores, slots, k, 1 if metric == "cosine" else -1)


def _all_of(
    vectors: Matrix, queries: Matrix, k: int, metric: Metric
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The `k` nearest of few vectors, by comparing all."""
    k = min(k, len(vectors))
    if not k:
        return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    faiss = faiss_index.library()
    by = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
    return faiss.knn(queries, np.ascontiguousarray(vectors), k, metric=by)


def _best(
    scores: NDArray[np.float32], rows: NDArray[np.int64], k: int, sign: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Sorted by score, highest (sign 1) or lowest (-1) first; NaN last."""
    order = np.argsort(-sign * scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, 1), np.take_along_axis(rows, order, 1)


def _matches(state: State, scores: NDArray[np.float32], rows: NDArray[np.int64]) -> list[list[Match]]:
    """Each row found is read once, however many queries found it."""
    used = np.unique(rows[rows >= 0])
    first = len(state.opened.rows) if state.opened else 0
    tables: list[tuple[pa.Table, Any]] = [(state.overlay.rows, used[used >= first] - first)]
    if state.opened:
        tables.insert(0, (state.opened.rows, used[used < first]))
    read = [row for table, wanted in tables for row in table.take(pa.array(wanted)).to_pylist()]
    about = dict(zip(used.tolist(), read, strict=True))
    model = state.overlay.model
    return [
        [match_of(about[row], score, model) for score, row in zip(*found, strict=True) if row >= 0]
        for found in zip(scores.tolist(), rows.tolist(), strict=True)
    ]
