"""Faults in random order while assets, people and an index are written: nothing damaged, nothing lost.

Three processes at a time write them, want the same locks and say what is done. Each is killed, asked to end,
stopped and continued, given a disk that refuses, or a clock that is a day wrong; others go on in the same
folder. Models and flows are in tests/flows/soak/test_every_fault.py.
"""

import json
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import pytest

from containers.common.index import versions
from containers.common.models.store import sha256_of
from tasks.asset.folder import Asset
from tasks.people.store import load_people
from tests.tasks.asset.writer import MODEL, write

FAULTS = int(os.environ.get("MEDIAFLOW_SOAK_FAULTS", "100"))
IDS = [f"{number:016x}" for number in range(3)]
KINDS = ("kill", "terminate", "stop", "disk", "clock")
DAY = 86_400.0


@pytest.fixture
def started() -> Iterator[ForkServerContext]:
    """Processes that have imported everything when they begin."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.tasks.asset.writer"])
    yield context
    for each in multiprocessing.active_children():
        each.kill()


def harm(writer: ForkServerProcess, kind: str) -> None:
    assert writer.pid
    time.sleep(random.uniform(0.05, 2))
    if kind == "stop":
        os.kill(writer.pid, signal.SIGSTOP)
        time.sleep(0.5)
        os.kill(writer.pid, signal.SIGCONT)
        time.sleep(random.uniform(0, 0.2))
    assert writer.is_alive(), "it ended by itself"
    os.kill(writer.pid, signal.SIGTERM if kind == "terminate" else signal.SIGKILL)
    writer.join(60)
    assert not writer.is_alive()


def check(output: Path, said: dict[str, int]) -> None:
    """What lies there is whole, and at least as new as what was said."""
    for asset_id in IDS:
        asset = Asset(output=output, id=asset_id)
        manifest = asset.manifest()
        assert int(manifest.fingerprint if manifest else 0) >= said.get(asset_id, 0), "an asset is lost"
        for name, entry in (manifest.files if manifest else {}).items():
            assert sha256_of(asset.folder / name) == entry.sha256, f"{asset.folder / name} is damaged"
    assert load_people(output).made >= said.get("people", 0), "a name is lost"
    now = versions.current((output / "index" / MODEL).as_uri())
    assert int(now.version[1:] if now else 0) >= said.get("index", 0), "a version is lost"
    if now:
        assert sha256_of(output / "index" / MODEL / now.version / "index.faiss") == now.sha256


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_whatever_happens_what_was_said_is_there_and_whole(
    started: ForkServerContext, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    output.mkdir()
    faults: Counter[str] = Counter()
    done: Counter[str] = Counter()
    said: Counter[str] = Counter()
    began = time.monotonic()
    while faults.total() < FAULTS:
        writers = []
        for kind in random.choices(KINDS, k=3):
            log = tmp_path / f"{faults.total() + len(writers)}.log"
            jump = random.choice((-DAY, DAY)) if kind == "clock" else 0.0
            arguments = (output, log, random.sample(IDS, len(IDS)), jump, kind == "disk")
            writers.append((kind, log, started.Process(target=write, args=arguments)))
        for _, _, writer in writers:
            writer.start()
        for kind, log, writer in writers:
            harm(writer, kind)
            faults[kind] += 1
            for line in log.read_text().splitlines() if log.exists() else ():
                what, about, number = line.split(" ", 2)
                done[what] += 1
                if what == "refused":
                    assert kind == "disk", line
                elif what == "asset":
                    said[about] = max(said[about], int(number))
                elif what == "index":
                    said["index"] = max(said["index"], int(about[1:]))
                else:
                    said["people"] += 1
        check(output, said)
    seconds = round(time.monotonic() - began)
    print(json.dumps({"faults": faults, "done": done, "seconds": seconds}), flush=True)
    assert min(done[what] for what in ("asset", "people", "index", "refused")) > 0
    left = [path.name for path in output.rglob("*") if path.name.endswith((".part", ".old"))]
    assert len(left) <= 3, f"{left} of writers that were killed are not cleared away by those after them"
