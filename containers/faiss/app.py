"""The faiss image: vector indexes that are built, added to and searched."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from containers.common.errors import UserError
from containers.common.handler import Stopwatch, make_handler
from containers.faiss import index as faiss_index
from containers.faiss import versions
from containers.faiss.contract import (
    IndexRequest,
    IndexVersion,
    SearchRequest,
    SearchResult,
    UpdateRequest,
)
from containers.faiss.rows import describe, match_of, passing
from containers.faiss.vectors import matrix_of, pc, read_rows, unit_vectors


@dataclass(frozen=True)
class Opened:
    """A version in memory, kept until a search finds that it is no longer current."""

    version: IndexVersion
    index: Any
    rows: pa.Table


_opened: dict[str, Opened] = {}


def serve(request: UpdateRequest | SearchRequest, stopwatch: Stopwatch) -> IndexVersion | SearchResult:
    if isinstance(request, SearchRequest):
        return search(request)
    return update(request)


def update(request: UpdateRequest) -> IndexVersion:
    """Writes the next version of the index; `add` with nothing to change returns the current one."""
    rows = read_rows(request.vectors, request.model)
    with versions.writer(request.index_uri) as folder:
        latest = versions.current(request.index_uri)
        if request.action == "add" and latest is not None:
            changed = _added(request, latest, rows)
            if changed is None:
                return latest
            index, rows = changed
            metric, kind = latest.metric, latest.type
        else:
            if not len(rows):
                raise UserError(f"There are no vectors of model '{request.model}' to index.")
            metric = request.metric or "cosine"
            kind = faiss_index.factory_string(request.type or "Flat", len(rows))
            index = faiss_index.create(kind, matrix_of(rows, metric), metric)
            rows = describe(rows)
        return versions.publish(
            folder,
            index,
            rows,
            request.keep_versions,
            model=request.model,
            metric=metric,
            type=kind,
            previous=latest and latest.version,
        )


def _added(request: UpdateRequest, latest: IndexVersion, rows: pa.Table) -> tuple[Any, pa.Table] | None:
    """The current index and its rows with the request's changes, or None when there are none."""
    _check_fits(request, latest)
    index, known = versions.open_version(request.index_uri, latest)
    kept = pc.invert(pc.is_in(known["asset"], pa.array(request.replace_assets, pa.string())))
    remaining = known.filter(kept)
    if not len(rows) and len(remaining) == len(known):
        return None
    clash = pc.filter(rows["id"], pc.is_in(rows["id"], remaining["id"]))
    if len(clash):
        raise UserError(f"The index already has a vector '{clash[0]}': name its asset in replace_assets.")
    if len(remaining) < len(known):
        faiss_index.keep_only(index, np.flatnonzero(kept.to_numpy()))
    if len(rows):
        vectors = matrix_of(rows, latest.metric)
        _check_dimension(latest, vectors.shape[1])
        faiss_index.extend(index, vectors)
    return index, pa.concat_tables([remaining, describe(rows)])


def _check_fits(request: UpdateRequest, latest: IndexVersion) -> None:
    for what, asked, held in (
        ("model", request.model, latest.model),
        ("metric", request.metric, latest.metric),
    ):
        if asked and asked != held:
            raise UserError(f"The index has {what} '{held}': '{asked}' needs an index of its own.")
    if request.type and not latest.type.startswith(request.type):
        raise UserError(f"The index has type '{latest.type}': build it again to make it '{request.type}'.")


def _check_dimension(version: IndexVersion, dimension: int) -> None:
    if dimension != version.dimension:
        raise UserError(f"The index holds vectors of {version.dimension} dimensions, not of {dimension}.")


def open_current(index_uri: str) -> Opened:
    """The current version, from memory when it has not changed. Raises UserError when there is no index."""
    version = versions.current(index_uri)
    if version is None:
        raise UserError(f"There is no index at {index_uri}: build one or add to it first.")
    opened = _opened.get(index_uri)
    if opened is None or opened.version != version:
        _opened.pop(index_uri, None)
        opened = _opened[index_uri] = Opened(version, *versions.open_version(index_uri, version))
    return opened


def search(request: SearchRequest) -> SearchResult:
    """The `k` nearest vectors of each query, best first; fewer when the index has fewer."""
    opened = open_current(request.index_uri)
    version = opened.version
    for vector in request.vectors:
        _check_dimension(version, len(vector))
    queries = np.array(request.vectors, np.float32)
    if not np.isfinite(queries).all():
        raise UserError("A query has values that are not numbers.")
    if version.metric == "cosine":
        queries = unit_vectors(queries, [f"query {number}" for number in range(len(queries))])
    mask = passing(opened.rows, request.where)
    allowed = None if mask is None else np.flatnonzero(mask)
    available = version.count if allowed is None else len(allowed)
    if not available:
        return SearchResult(matches=[[] for _ in queries], version=version.version)
    scores, positions = faiss_index.nearest(opened.index, queries, min(request.k, available), allowed)
    if version.metric == "euclidean":
        scores = np.sqrt(np.maximum(scores, 0))  # faiss returns squared distances
    return SearchResult(
        matches=[
            [
                match_of(opened.rows.slice(position, 1).to_pylist()[0], float(score), version.model)
                for position, score in zip(*found, strict=True)
                if position >= 0
            ]
            for found in zip(positions, scores, strict=True)
        ],
        version=version.version,
    )


handler = make_handler("faiss", IndexRequest, serve)
