"""Which faiss index suits: by number of vectors, dimension, memory and wanted recall, with the reason said.

After the guidelines of the faiss wiki, "Guidelines to choose an index"; the limits were measured
(benchmarks/index.md).
"""

import math

from containers.common.contract import Contract
from containers.common.errors import UserError

EXACT_VALUES = 12_000_000  # numbers an exact scan reads in about 2 ms on one core: 23,000 vectors of 512
GRAPH_VECTORS = 100_000  # beyond it a graph takes minutes to build
GRAPH_LINKS = 32
POINTS_PER_LIST = 39  # what faiss wants to train an IVF list on
ID_BYTES = 8


class Choice(Contract):
    type: str
    reason: str


def choose(count: int, dimension: int, memory: int, recall: float) -> Choice:
    """A factory string for `count` vectors within `memory` bytes, and a sentence that says why.

    Raises UserError when no type fits.
    """
    floats = 4 * dimension
    size = f"{count:,} vectors of {dimension} dimensions"
    small = count * dimension <= EXACT_VALUES
    if (small or recall >= 1) and count * floats <= memory:
        why = "an exact scan takes milliseconds" if small else "only an exact scan finds all of the nearest"
        return Choice(type="Flat", reason=f"{size} take {_mb(count * floats)} as they are, and {why}.")
    many = f"{size} are too many for an exact scan" if not small else f"{size} do not fit as they are"
    graph = count * (floats + 2 * 4 * GRAPH_LINKS)
    if count <= GRAPH_VECTORS and graph <= memory:
        return Choice(
            type=f"HNSW{GRAPH_LINKS},Flat",
            reason=f"{many}; a graph of {_mb(graph)} fits into {_mb(memory)} and is the fastest to search.",
        )
    lists = inverted_lists(count)
    centres = lists * floats
    refused = []
    for code, width, words in (
        ("Flat", floats, "whole"),
        ("SQ8", dimension, "in 8 bits a number"),
        ("SQ4", math.ceil(dimension / 2), "in 4 bits a number"),
        (f"PQ{_subspaces(dimension, 8)}", _subspaces(dimension, 8), "in product-quantised codes"),
        (f"PQ{_subspaces(dimension, 32)}", _subspaces(dimension, 32), "in short product-quantised codes"),
    ):
        needed = centres + count * (width + ID_BYTES)
        if needed <= memory:
            fits = f"{words} they take {_mb(needed)} of the {_mb(memory)} allowed"
            lean = f" ({'; '.join(refused)} would not fit), compared exactly at the end" if refused else ""
            return Choice(
                type=f"IVF{lists},{code}", reason=f"{many}, so {lists} lists are searched; {fits}{lean}."
            )
        refused.append(f"{_mb(needed)} {words}")
    raise UserError(f"{size} need at least {refused[-1]} of memory, and {_mb(memory)} are allowed.")


def inverted_lists(count: int) -> int:
    """4 sqrt(count) lists, but no more than there are vectors to train them."""
    return max(1, min(round(4 * math.sqrt(count)), count // POINTS_PER_LIST))


def factory_string(kind: str, count: int) -> str:
    """`IVF` and `HNSW` alone stand for exact vectors with settings that suit `count` of them."""
    if kind == "IVF":
        return f"IVF{inverted_lists(count)},Flat"
    return f"HNSW{GRAPH_LINKS},Flat" if kind == "HNSW" else kind


def _subspaces(dimension: int, numbers: int) -> int:
    """Bytes of a code of about one byte for `numbers` numbers; a product quantiser wants a divisor."""
    wanted = max(1, dimension // numbers)
    return max(parts for parts in range(1, wanted + 1) if dimension % parts == 0)


def _mb(size: float) -> str:
    return f"{size / 2**20:,.0f} MB" if size >= 2**20 else f"{size / 2**20:.1f} MB"
