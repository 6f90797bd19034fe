"""Kill -9 at any point of a re-index leaves an index that serves, and serves what was analysed last."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from containers.common.index.delta import list_delta, write_delta
from containers.common.index.vectors import read_rows
from containers.common.storage import local_path
from containers.faiss.contract import SearchRequest
from containers.faiss.search import Searcher

MODEL = "face-model"
SIZES = (700, 650)  # the asset `moving` has by turns
STILL = 1500
DIMENSION = 32
WRITER = """
import sys
from containers.faiss.app import handler
from containers.faiss.index import library
library()
for parts in sys.stdin:
    print("begins", flush=True)
    handler({"action": "reindex", "index_uri": sys.argv[1], "model": "face-model", "type": "IVF",
             "parts": parts.strip()}, None)
    print("done", flush=True)
"""


@pytest.fixture
def states(tmp_path, vectors_of):
    """Two states of what is analysed: the listing of each, its moving asset's rows and their digest."""
    still = {
        "asset": "still",
        "uri": vectors_of("still", STILL, DIMENSION),
        "digest": "still",
        "rows": STILL,
    }
    made = []
    for turn, size in enumerate(SIZES):
        rows = read_rows([vectors_of("moving", size, DIMENSION, seed=turn + 1)], MODEL)
        path = tmp_path / f"moving{turn}.parquet"
        pq.write_table(rows, path)
        moving = {"asset": "moving", "uri": path.as_uri(), "digest": f"turn{turn}", "rows": size}
        listed = tmp_path / f"parts{turn}.parquet"
        pq.write_table(pa.Table.from_pylist([still, moving]), listed)
        made.append((listed.as_uri(), rows, moving["digest"]))
    return made


class Writer:
    """A process that re-indexes when told to."""

    def __init__(self, index_uri):
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, index_uri],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def begin(self, parts):
        self.process.stdin.write(f"{parts}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "begins\n"

    def wait(self):
        assert self.process.stdout.readline() == "done\n"

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.communicate()


def kill_often(index_uri, states, struck):
    """Kills at random moments until so many re-indexes died at work; returns at which stage they did."""
    moments, searcher, stages = random.Random(0), Searcher(), Counter()
    folder = local_path(index_uri)
    writer, length = Writer(index_uri), 0.0
    for turn in (0, 1, 0):  # the first is slower than those that follow
        _analyse(index_uri, states, turn)
        writer.begin(states[turn][0])
        started = time.perf_counter()
        writer.wait()
        length = time.perf_counter() - started
    turn = 0
    while stages.total() - stages["ended"] < struck:
        turn = 1 - turn
        before = (folder / "current").read_text()
        _analyse(index_uri, states, turn)
        writer.begin(states[turn][0])
        time.sleep(moments.uniform(0, length))
        writer.end(signal.SIGKILL)
        drafted, switched = any(folder.glob(".v*.part")), (folder / "current").read_text() != before
        swept = not list_delta(index_uri)
        stages["ended" if swept else "switched" if switched else "drafting" if drafted else "begun"] += 1
        for service in (searcher, Searcher()):  # one that was there before, and one that starts now
            _check(service, index_uri, states[turn][1])
        writer = Writer(index_uri)
    _analyse(index_uri, states, 1)
    writer.begin(states[1][0])
    writer.wait()
    writer.end()
    _check(searcher, index_uri, states[1][1])
    assert not any(folder.glob(".v*.part")), "what dead writers left is gone"
    assert len(list(folder.glob("v*/manifest.json"))) <= 3
    return stages


def _analyse(index_uri, states, turn):
    _, rows, digest = states[turn]
    write_delta(index_uri, "moving", digest, rows)


def _check(searcher, index_uri, moving):
    """Every vector is found once, the moving asset's as they were analysed last, and each finds itself."""
    probes = np.stack(moving["vector"].to_numpy(zero_copy_only=False)[:5]).tolist()
    found = searcher.search(
        SearchRequest(action="search", index_uri=index_uri, vectors=[*probes, [1.0] * DIMENSION], k=1000)
    )
    ids = [match.id for match in found.matches[-1]]
    assert len(ids) == len(set(ids)) == 1000
    assert [matches[0].id for matches in found.matches[:5]] == moving["id"].to_pylist()[:5]
    for asset, size in (("moving", len(moving)), ("still", STILL)):
        request = SearchRequest(
            action="search", index_uri=index_uri, vectors=probes[:1], k=1000, where={"assets": [asset]}
        )
        assert len(searcher.search(request).matches[0]) == min(size, 1000)


@pytest.mark.slow
def test_a_reindex_killed_at_random_moments(index_uri, states):
    assert kill_often(index_uri, states, 4).total() >= 4


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_reindex_killed_at_fifty_random_moments(index_uri, states):
    stages = kill_often(index_uri, states, 50)
    print(dict(stages))
    assert stages["drafting"] > 20, "most of a re-index is spent making the draft"
