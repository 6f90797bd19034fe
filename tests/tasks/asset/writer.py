"""What test_faults.py harms: a process that writes assets, people and an index in turns, without end."""

import itertools
import os
import resource
import signal
import time
from pathlib import Path
from unittest import mock

import numpy as np

from containers.common.errors import UserError
from containers.faiss.contract import UpdateRequest
from containers.faiss.index import library
from containers.faiss.update import update
from tasks.asset.folder import Asset
from tasks.outputs.embeddings import write_embeddings
from tasks.people.store import Example, editing_people
from tests.tasks.asset.test_folder import make_manifest

MODEL = "model"
library()  # a second that is not to be each writer's
LIMIT = 20_000  # bytes a file may have where the disk refuses


def write(output: Path, log: Path, ids: list[str], jump: float, full: bool) -> None:
    """Says in `log` what is done; `jump`: seconds the clock is wrong; `full`: large files are refused."""
    lines = log.open("a", buffering=1)
    os.dup2(lines.fileno(), 2)
    real = time.time
    if jump:
        mock.patch("time.time", lambda: real() + jump).start()
    if full:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then writing fails, as on a disk that is full
        resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
    (output / ".cache").mkdir(parents=True, exist_ok=True)
    chosen = np.random.default_rng()
    for turn in itertools.count():
        for step in (_publish, _name, _add):
            number = int((real() - 1_700_000_000) * 1000)
            try:
                print(step(output, ids[turn % len(ids)], number, chosen), file=lines, flush=True)
            except UserError as error:
                print("refused - ", error, file=lines, flush=True)
                time.sleep(0.05)


def _publish(output: Path, asset_id: str, number: int, chosen: np.random.Generator) -> str:
    asset = Asset(output=output, id=asset_id)
    with asset.locked(on_wait=lambda: None):
        number = max(number, _last(asset) + 1)  # others have published while this one waited
        files = {f"{name}.json": chosen.bytes(int(chosen.integers(1, 200_000))) for name in "abc"}
        manifest = make_manifest().model_copy(update={"asset": asset_id, "fingerprint": str(number)})
        asset.publish(dict(files), manifest)
    return f"asset {asset_id} {number}"


def _last(asset: Asset) -> int:
    manifest = asset.manifest()
    return int(manifest.fingerprint) if manifest else 0


def _name(output: Path, asset_id: str, number: int, chosen: np.random.Generator) -> str:
    example = Example(kind="face", model="m", vector=[1.0], asset="a", label="face1", crop=None)
    with editing_people(output) as people:
        people.people = people.people[-20:]
        people.add(str(number)).examples.append(example)
    return f"people {number} {number}"


def _add(output: Path, asset_id: str, number: int, chosen: np.random.Generator) -> str:
    part = output / ".cache" / f"part{os.getpid()}.parquet"
    row = {"model": MODEL, "vector": chosen.normal(size=8).tolist()}
    write_embeddings(part, f"asset{number}-{os.getpid()}", [row])
    index = (output / "index" / MODEL).as_uri()
    version = update(UpdateRequest(action="add", index_uri=index, model=MODEL, vectors=[part.as_uri()]))
    part.unlink()
    return f"index {version.version} {number}"
