"""What the image asks of faiss: train, add, take out, search, save and load."""

import logging
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from containers.common.errors import StorageError, UserError
from containers.common.index.vectors import Matrix
from containers.common.index.version import Metric, Tuning

EF_SEARCH = 64


@cache
def library() -> Any:
    """The faiss module, imported on first use without its word about the CPU it found."""
    logging.getLogger("faiss.loader").setLevel(logging.WARNING)
    import faiss

    return faiss


def create(kind: str, sample: Matrix, metric: Metric) -> Any:
    """A trained, empty index of the faiss factory string `kind`; `sample` has shape (count, dimension).

    Raises UserError when the string is not faiss's, or when it needs more vectors to be trained.
    """
    faiss = library()
    count, dimension = sample.shape
    by = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
    try:
        index = faiss.index_factory(dimension, kind, by)
    except RuntimeError as error:
        raise UserError(f"faiss has no {metric} index '{kind}' for {dimension} dimensions.") from error
    ivf = inverted_file(index)
    if ivf is not None and count < ivf.nlist:
        raise UserError(
            f"An index '{kind}' needs at least {ivf.nlist} vectors, there are {count}: use IVF or Flat."
        )
    for trained in (ivf, getattr(ivf, "pq", None), getattr(index, "pq", None)):
        if trained is not None:
            trained.cp.min_points_per_centroid = 1  # below it faiss prints a warning
    try:
        index.train(sample)
    except RuntimeError as error:
        raise UserError(f"faiss cannot make '{kind}' of {count} vectors: {_reason(error)}.") from error
    return index


def inverted_file(index: Any) -> Any:
    """The IVF inside an index, or None: only it can be added to and taken from by slot."""
    return library().try_extract_index_ivf(index)


def extend(index: Any, vectors: Matrix, slots: NDArray[np.int64]) -> None:
    """Adds vectors under their slots; without inverted lists these must be the next ones."""
    try:
        if inverted_file(index) is None:
            index.add(vectors)
        else:
            index.add_with_ids(vectors, slots)
    except RuntimeError as error:
        raise UserError(f"faiss cannot add to this index: {_reason(error)}.") from error


def can_filter(index: Any) -> bool:
    """Product-quantised codes without lists cannot be searched among some vectors only."""
    return not isinstance(library().downcast_index(index), library().IndexPQ)


def take_out(index: Any, slots: NDArray[np.int64]) -> None:
    """Takes vectors out of an index that has inverted lists."""
    index.remove_ids(library().IDSelectorBatch(slots))


def fit_to_lists(index: Any, blocks: Iterable[Matrix]) -> float | None:
    """Mean squared distance of unit vectors to the centre of their list; None without inverted lists.

    For Euclidean indexes the vectors are those given. It grows when what is added differs from what the
    lists were trained on.
    """
    ivf = inverted_file(index)
    if ivf is None:
        return None
    total, count = 0.0, 0
    for block in blocks:
        seen = index.chain.at(0).apply(block) if hasattr(index, "chain") and index.chain.size() else block
        nearest = ivf.quantizer.search(seen, 1)[1][:, 0]
        centres = ivf.quantizer.reconstruct_batch(nearest)
        total += float(((seen - centres) ** 2).sum())
        count += len(block)
    return total / count if count else None


def nearest(
    index: Any, queries: Matrix, k: int, tuning: Tuning, allowed: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Raw faiss scores and slots, shape (queries, k), best first; slot -1 where there is none.

    `allowed` says of every slot whether it may be found. Where the lists or the part of the graph searched
    hold fewer than `k`, they are searched wider.
    """
    share = 1.0 if allowed is None else max(float(allowed.mean()), 1e-9)
    available = index.ntotal if allowed is None else int(allowed.sum())
    selector = None
    if allowed is not None:
        bits = np.packbits(allowed, bitorder="little")
        selector = library().IDSelectorBitmap(bits)
    ivf = inverted_file(index)
    lists = 0
    if ivf is not None:
        crowd = max(index.ntotal * share / ivf.nlist, 1e-9)  # vectors of a list that may be found
        lists = max((tuning.nprobe or 8) / share**0.5, 2 * k / crowd)
    while True:
        params = _parameters(index, selector, k, tuning, share, lists)
        scores, slots = index.search(queries, k, params=params)
        short = bool((slots[:, min(k, available) - 1] < 0).any()) if available else False
        if ivf is None or not short or lists >= ivf.nlist:
            return scores, slots
        lists = 4 * lists


def _parameters(index: Any, selector: Any, k: int, tuning: Tuning, share: float, lists: float) -> Any:
    faiss = library()
    index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexPreTransform):
        inner = _parameters(index.index, selector, k, tuning, share, lists)
        return faiss.SearchParametersPreTransform(index_params=inner)
    if isinstance(index, faiss.IndexIVF):
        return faiss.SearchParametersIVF(sel=selector, nprobe=max(1, min(index.nlist, round(lists))))
    if isinstance(index, faiss.IndexHNSW):
        wide = max(tuning.ef_search or EF_SEARCH, k)
        wide = min(index.ntotal, max(wide, round(4 * k / share)) if selector else wide)
        return faiss.SearchParametersHNSW(sel=selector, efSearch=wide)
    return faiss.SearchParameters(sel=selector) if selector else None


def save(index: Any, path: Path) -> None:
    try:
        library().write_index(index, str(path))
    except RuntimeError as error:
        raise StorageError(f"{path} cannot be written: {_reason(error)}.") from error


def load(path: Path, kind: str, mapped: bool) -> Any:
    """`mapped`: what the index holds stays on disk, and is read when a search needs it."""
    faiss = library()
    if not mapped:
        return faiss.read_index(str(path))
    if "IVF" not in kind:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    lists = faiss.downcast_InvertedLists(inverted_file(index).invlists)
    # faiss would start 32 threads for every search, to fetch pages ahead: that costs more than the search.
    lists.prefetch_nthread = 0
    return index


def _reason(error: RuntimeError) -> str:
    """What faiss says after its source position: `Error in f() at x.cpp:1: Error: 'check' failed: reason`."""
    return re.split(r"Error: |failed: ", str(error))[-1].strip().rstrip(".")
