"""`python -m benchmarks.index STEP --dimension D --count N --folder F`: a large index, one step at a time.

Steps: `data` draws the vectors (index_vectors.py), `build` and `extend` make versions as a re-index does
(parts of 10,000 vectors; reading, training, trying out and writing together), and `search` measures it
against an exact scan. Each step prints one JSON line; index.md is written from them.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.index_vectors import Population
from containers.common.index.vectors import SCHEMA
from containers.common.index.version import IndexVersion
from containers.faiss.app import handler
from containers.faiss.index import library
from containers.faiss.search import Searcher, find

THREADS = 2
QUERIES = 2_000
BATCH = 256
PART = 10_000
MODEL = "synthetic"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=["data", "build", "extend", "search"])
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--memory", type=int, default=1024, help="MB that the index may take")
    given = parser.parse_args()
    folder = given.folder / f"{given.count}x{given.dimension}"
    folder.mkdir(parents=True, exist_ok=True)
    library().omp_set_num_threads(THREADS)
    step = {"data": data, "build": build, "extend": extend, "search": search}[given.step]
    figures = step(folder, given)
    figures |= {"step": given.step, "vectors": f"{given.count}x{given.dimension}"}
    print(json.dumps(figures | {"peak_mb": _peak_mb(), "load": os.getloadavg()[0]}), flush=True)


def data(folder: Path, given: argparse.Namespace) -> dict:
    """Parts of PART vectors each, 1 % more for `extend`, and held-out queries."""
    people = Population(given.count, given.dimension)
    extra = max(1, given.count // 100)
    _write_parts(folder / "parts", people, given.count, 1)
    _write_parts(folder / "more", people, extra, 2)
    np.save(folder / "queries.npy", np.concatenate(list(people.draw(QUERIES, 3))))
    return {"count": given.count, "more": extra}


def _write_parts(folder: Path, people: Population, count: int, seed: int) -> None:
    folder.mkdir(exist_ok=True)
    listed = []
    for block in people.draw(count, seed):
        for start in range(0, len(block), PART):
            vectors = block[start : start + PART]
            asset = f"asset-{seed}-{len(listed):05}"
            rows = len(vectors)
            columns = {
                "id": [f"{asset}#{number}" for number in range(rows)],
                "asset": [asset] * rows,
                "model": [MODEL] * rows,
                "vector": pa.FixedSizeListArray.from_arrays(vectors.ravel(), vectors.shape[1]).cast(
                    pa.list_(pa.float32())
                ),
                "metadata": [f'{{"kind": "face", "time": {number}.0}}' for number in range(rows)],
            }
            path = folder / f"{asset}.parquet"
            pq.write_table(pa.table(columns, schema=SCHEMA), path, compression="none")
            listed.append({"asset": asset, "uri": path.as_uri(), "digest": asset, "rows": rows})
    pq.write_table(pa.Table.from_pylist(listed), folder.with_suffix(".list.parquet"))


def _vectors(uri: str) -> np.ndarray:
    column = pq.read_table(uri.removeprefix("file://"))["vector"].combine_chunks()
    return column.flatten().to_numpy().reshape(len(column), -1)


def build(folder: Path, given: argparse.Namespace) -> dict:
    return _reindex(folder, given, ["parts"], rebuild=True)


def extend(folder: Path, given: argparse.Namespace) -> dict:
    """One percent more vectors."""
    return _reindex(folder, given, ["parts", "more"], rebuild=False)


def _reindex(folder: Path, given: argparse.Namespace, lists: list[str], rebuild: bool) -> dict:
    listed = pa.concat_tables([pq.read_table(folder / f"{name}.list.parquet") for name in lists])
    pq.write_table(listed, folder / "wanted.parquet")
    event = {
        "action": "reindex",
        "index_uri": (folder / "index").as_uri(),
        "model": MODEL,
        "parts": (folder / "wanted.parquet").as_uri(),
        "memory_mb": given.memory,
        "rebuild": rebuild,
    }
    started = time.perf_counter()
    version = IndexVersion.model_validate(handler(event, None)["result"])
    kept = ("version", "made", "why", "type", "reason", "recall", "count")
    figures = {name: getattr(version, name) for name in kept}
    size = sum(path.stat().st_size for path in (folder / "index" / version.version).iterdir())
    return {**figures, "seconds": time.perf_counter() - started, "tuning": str(version.tuning), "bytes": size}


def search(folder: Path, given: argparse.Namespace) -> dict:
    """The search service (memory-mapped, re-ranked exactly) and a plain exact scan, by turns.

    The scan is faiss's IndexFlatIP with all vectors in memory, given the same batches of BATCH queries on the
    same threads (from 20 queries on it multiplies matrices by BLAS). As they take turns, batch by batch,
    whatever else the machine does slows both.
    """
    searcher = Searcher()
    started = time.perf_counter()
    state = searcher.state((folder / "index").as_uri())
    opening, peak = time.perf_counter() - started, _peak_mb()
    queries = np.load(folder / "queries.npy")
    find(state, queries, 10)  # pages of the files come into the system's cache
    peak_searching = _peak_mb()
    flat = library().IndexFlatIP(given.dimension)
    for uri in pq.read_table(folder / "wanted.parquet")["uri"].to_pylist():
        flat.add(_vectors(uri))
    flat.search(queries[:BATCH], 10)
    seconds, recall, batches = {"ours": 0.0, "flat": 0.0}, [], range(0, QUERIES, BATCH)
    for start in batches:
        batch = queries[start : start + BATCH]
        started = time.perf_counter()
        truth = flat.search(batch, 10)[1]
        seconds["flat"] += time.perf_counter() - started
        started = time.perf_counter()
        found = find(state, batch, 10)[1]  # rows are numbered as the parts are listed, as the scan's are
        seconds["ours"] += time.perf_counter() - started
        recall += [len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), truth.tolist(), strict=True)]
    started = time.perf_counter()
    for query in queries[:200]:
        find(state, query[None], 10)
    return {
        "qps": QUERIES / seconds["ours"],
        "flat_qps": QUERIES / seconds["flat"],
        "times": seconds["flat"] / seconds["ours"],
        "recall": float(np.mean(recall)),
        "one_query_ms": 1000 * (time.perf_counter() - started) / 200,
        "opening_s": opening,
        "peak_opened_mb": peak,
        "peak_searching_mb": peak_searching,
    }


def _peak_mb() -> int:
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) // 1024


if __name__ == "__main__":
    main()
