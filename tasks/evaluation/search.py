"""Recall against exact search, queries a second and size of indexes, through the image that searches."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.spatial.distance import cdist

from containers.common.errors import UserError
from containers.common.index.vectors import metric_of, read_rows
from containers.common.index.version import IndexVersion
from containers.common.index.versions import INDEX
from containers.faiss.contract import UpdateRequest
from tasks.calls.invoke import invoke
from tasks.evaluation.dataset import VectorSet
from tasks.evaluation.statistics import Measure, mean
from tasks.index.ask import SEARCHES, nearest

MEASURES = [
    Measure("recall", "Recall@k", "higher", mean("recall")),
    Measure("first", "Nearest is found first", "higher", mean("first")),
    Measure(
        "milliseconds", "Time of a query", "lower", mean("milliseconds"), "ms", 2, table="rounds", timed=True
    ),
]

TIE = 1e-6  # distance: closer than float32 can tell


class SearchOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    types: list[str] = Field(
        default=["Flat", "IVF", "HNSW"], description="index types beside the evaluated one"
    )
    recalls: list[float] = Field(
        default=[0.8, 0.95, 0.99], min_length=1, description="wanted, the last the highest"
    )
    k: int = Field(default=10, ge=1, le=1000)
    batch: int = Field(default=50, ge=1, description="queries a call")
    rounds: int = Field(default=5, ge=2, description="how often all queries are asked and timed")


class Split(NamedTuple):
    """What is indexed, what is searched for, and the exact answer.

    `matrix` (vectors, dimension), `queries` (queries, dimension); `truth` (queries, depth) are the distances
    of the nearest, rising: of several vectors that are equally near any is right.
    """

    name: str
    model: str
    file: Path
    ids: list[str]
    matrix: NDArray[np.float32]
    queries: NDArray[np.float32]
    truth: NDArray[np.floating]


class Trial(NamedTuple):
    """The index's figures, a row for each query and a row for each round of all queries."""

    row: dict[str, Any]
    answers: list[dict[str, Any]]
    rounds: list[dict[str, Any]]


def split_vectors(vectors: VectorSet, folder: Path, deepest: int = 1000) -> Split:
    """Takes the queries out, the same ones every time. Raises UserError when too few rows are left."""
    rows = read_rows([vectors.file.as_uri()], vectors.model)
    if len(rows) <= vectors.queries:
        raise UserError(
            f"{vectors.file.name} has {len(rows)} vectors of '{vectors.model}': not enough to take "
            f"{vectors.queries} out as queries."
        )
    chosen = np.zeros(len(rows), bool)
    chosen[np.random.default_rng(0).choice(len(rows), vectors.queries, replace=False)] = True
    kept, asked = rows.filter(pa.array(~chosen)), rows.filter(pa.array(chosen))
    file = folder / f"{vectors.file.stem}-indexed.parquet"
    pq.write_table(kept, file)
    matrix, queries = (np.array(part["vector"].to_pylist(), np.float32) for part in (kept, asked))
    distances = cdist(queries, matrix, metric_of(vectors.model))
    truth = np.sort(distances, axis=1)[:, :deepest]
    return Split(vectors.file.name, vectors.model, file, kept["id"].to_pylist(), matrix, queries, truth)


def try_index(split: Split, kind: str, recall: float, options: SearchOptions, folder: Path) -> Trial:
    """Builds an index of a type for a wanted recall and asks it every query."""
    place = folder / f"{split.name} {kind} {recall}"
    started = time.perf_counter()
    version = invoke(
        SEARCHES,
        UpdateRequest(
            action="build",
            index_uri=place.as_uri(),
            model=split.model,
            vectors=[split.file.as_uri()],
            type=kind,
            recall=recall,
            metric=metric_of(split.model),
        ),
        IndexVersion,
    ).value
    built = time.perf_counter() - started
    found, seconds = _ask(split, place, options)
    answers = list(_answers(split, found, options.k))
    row = {
        "set": split.name,
        "vectors": len(split.ids),
        "dimension": version.dimension,
        "asked": kind,
        "wanted": recall,
        "type": version.type,
        "recall": float(np.mean([answer["recall"] for answer in answers])),
        "qps": len(split.queries) / float(np.median(seconds)),
        "build_seconds": built,
        "index_mb": _size(place / version.version, INDEX),
        "vectors_mb": _size(place / version.version, "vectors.f32"),
    }
    rounds = [
        {"item": f"{split.name} {number}", "milliseconds": 1000 * each / len(split.queries)}
        for number, each in enumerate(seconds, 1)
    ]
    return Trial(row, answers, rounds)


def _ask(split: Split, place: Path, options: SearchOptions) -> tuple[list[list[str]], list[float]]:
    """Ids found for each query, and seconds of all queries in each of several rounds after a first one."""
    batches = np.array_split(split.queries, max(1, len(split.queries) // options.batch))
    found: list[list[str]] = []
    seconds: list[float] = []
    for _ in range(1 + options.rounds):
        found, spent = [], 0.0
        for batch in batches:
            started = time.perf_counter()
            matches = nearest(place.as_uri(), batch.tolist(), options.k)
            spent += time.perf_counter() - started
            found += [[match.id for match in each] for each in matches]
        seconds.append(spent)
    return found, seconds[1:]


def _answers(split: Split, found: list[list[str]], k: int) -> Iterator[dict[str, Any]]:
    slots = {id: slot for slot, id in enumerate(split.ids)}
    metric = metric_of(split.model)
    for number, ids in enumerate(found):
        exact = split.truth[number, :k]
        once = dict.fromkeys(ids[: len(exact)])  # a vector that is answered twice is found once
        near = split.matrix[[slots[id] for id in once]]
        distances = cdist(split.queries[number : number + 1], near, metric)[0] if len(near) else np.zeros(0)
        yield {
            "item": f"{split.name} {number}",
            "recall": float(np.sum(distances <= exact[-1] + TIE)) / len(exact),
            "first": float(len(distances) > 0 and distances[0] <= exact[0] + TIE),
        }


def _size(folder: Path, name: str) -> float:
    path = folder / name
    return path.stat().st_size / 2**20 if path.is_file() else 0.0
