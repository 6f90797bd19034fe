"""What the image asks of faiss: train, add, take out, search."""

import logging
import math
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from containers.common.errors import StorageError, UserError
from containers.faiss.vectors import Matrix

POINTS_PER_LIST = 39  # what faiss wants to train an IVF list on
MIN_LISTS_SEARCHED = 8
EF_SEARCH = 64


@cache
def library() -> Any:
    """The faiss module, imported on first use without its word about the CPU it found."""
    logging.getLogger("faiss.loader").setLevel(logging.WARNING)
    import faiss

    return faiss


def factory_string(kind: str, count: int) -> str:
    """`IVF` and `HNSW` alone stand for exact vectors with settings that suit `count` of them."""
    if kind == "IVF":
        return f"IVF{max(1, min(round(4 * math.sqrt(count)), count // POINTS_PER_LIST))},Flat"
    return "HNSW32,Flat" if kind == "HNSW" else kind


def create(kind: str, vectors: Matrix, metric: str) -> Any:
    """A trained index of the faiss factory string `kind` that holds `vectors`, shape (count, dimension).

    Raises UserError when the string is not faiss's, or when it needs more vectors to be trained.
    """
    faiss = library()
    count, dimension = vectors.shape
    by = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
    try:
        index = faiss.index_factory(dimension, kind, by)
    except RuntimeError as error:
        raise UserError(f"faiss has no {metric} index '{kind}' for {dimension} dimensions.") from error
    ivf = faiss.try_extract_index_ivf(index)
    if ivf is not None:
        if count < ivf.nlist:
            raise UserError(
                f"An index '{kind}' needs at least {ivf.nlist} vectors, there are {count}: use IVF or Flat."
            )
        ivf.nprobe = min(ivf.nlist, max(MIN_LISTS_SEARCHED, ivf.nlist // 8))
    for trained in (ivf, getattr(ivf, "pq", None), getattr(index, "pq", None)):
        if trained is not None:
            trained.cp.min_points_per_centroid = 1  # below it faiss prints a warning
    if hasattr(index, "hnsw"):
        index.hnsw.efSearch = EF_SEARCH
    try:
        index.train(vectors)
        index.add(vectors)
    except RuntimeError as error:
        raise UserError(f"faiss cannot make '{kind}' of {count} vectors: {_reason(error)}.") from error
    return index


def extend(index: Any, vectors: Matrix) -> None:
    try:
        index.add(vectors)
    except RuntimeError as error:
        raise UserError(f"faiss cannot add to this index: {_reason(error)}.") from error


def keep_only(index: Any, kept: np.ndarray) -> None:
    """Takes every vector out but those at positions `kept`, which move up in order; it stays trained.

    Raises UserError for types that compress: what they hold are no longer the vectors themselves.
    """
    faiss = library()
    if not isinstance(index, faiss.IndexFlat | faiss.IndexIVFFlat | faiss.IndexHNSWFlat):
        raise UserError("Nothing can be taken out of an index that compresses its vectors: build it again.")
    if isinstance(index, faiss.IndexIVFFlat):
        index.make_direct_map()
    vectors = index.reconstruct_n(0, index.ntotal)[kept]
    index.reset()
    index.add(vectors)


def nearest(index: Any, queries: Matrix, k: int, allowed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Raw faiss scores and positions, shape (queries, k), best first; position -1 where there is none.

    `allowed` holds the positions that may be found; without it all may.
    """
    if allowed is None:
        return index.search(queries, k)
    selector = library().IDSelectorBatch(allowed)
    return index.search(queries, k, params=_parameters(index, selector, k, len(allowed)))


def _parameters(index: Any, selector: Any, k: int, allowed: int) -> Any:
    """Search wide enough to meet `k` of the allowed vectors, however few of all they are."""
    faiss = library()
    index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexPreTransform):
        inner = _parameters(index.index, selector, k, allowed)
        return faiss.SearchParametersPreTransform(index_params=inner)
    if isinstance(index, faiss.IndexIVF):
        return faiss.SearchParametersIVF(sel=selector, nprobe=index.nlist)
    if isinstance(index, faiss.IndexHNSW):
        wide = min(index.ntotal, max(EF_SEARCH, 4 * k * index.ntotal // allowed))
        return faiss.SearchParametersHNSW(sel=selector, efSearch=wide)
    return faiss.SearchParameters(sel=selector)


def save(index: Any, path: Path) -> None:
    try:
        library().write_index(index, str(path))
    except RuntimeError as error:
        raise StorageError(f"{path} cannot be written: {_reason(error)}.") from error


def load(path: Path) -> Any:
    return library().read_index(str(path))


def _reason(error: RuntimeError) -> str:
    """What faiss says after its source position: `Error in f() at x.cpp:1: Error: 'check' failed: reason`."""
    return re.split(r"Error: |failed: ", str(error))[-1].strip().rstrip(".")
