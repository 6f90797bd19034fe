"""`python -m flows.reindex`, as a person or a schedule runs it."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from containers.faiss.contract import SearchRequest
from containers.faiss.search import Searcher
from tasks.outputs.embeddings import write_embeddings
from tasks.stages.index.run import index
from tests.commands import run_module

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.usefixtures("own_images")
MODELS = {"facenet": 16, "faceapi": 8}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return run_module("flows.reindex", *arguments)


def analyse(output: Path, *assets: str) -> None:
    """What an analysis leaves of each asset: its embeddings, and its files in the delta."""
    for asset in assets:
        random = np.random.default_rng(int(asset, 16))
        rows = [
            {"model": model, "vector": random.standard_normal(size).tolist(), "metadata": {"kind": "face"}}
            for model, size in MODELS.items()
            for _ in range(10)
        ]
        path = output / asset / "embeddings.parquet"
        write_embeddings(path, asset, rows)
        index.fn(asset, path, list(MODELS), output / "index")


def found(output: Path, model: str) -> set[str]:
    request = SearchRequest(
        action="search",
        index_uri=(output / "index" / model).as_uri(),
        vectors=[[1.0] * MODELS[model]],
        k=1000,
    )
    return {match.asset for match in Searcher().search(request).matches[0]}


def version(output: Path, model: str) -> dict:
    folder = output / "index" / model
    name = json.loads((folder / "current").read_bytes())["version"]
    return json.loads((folder / name / "manifest.json").read_bytes())


@pytest.mark.slow
def test_analysed_removed_rolled_back_and_failed(tmp_path: Path) -> None:
    first, second, third = ("0" * 15 + digit for digit in "123")
    analyse(tmp_path, first, second)
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "facenet: v000001 built" in done.stdout
    assert "20 vectors of 16 dimensions" in done.stdout, "why this type"
    assert not list((tmp_path / "index/facenet/delta").iterdir())

    analyse(tmp_path, third)
    shutil.rmtree(tmp_path / first)
    assert found(tmp_path, "facenet") == {first, second, third}, "removed from the next version on"
    write_embeddings(
        tmp_path / ("0" * 15 + "4") / "embeddings.parquet",
        "0" * 15 + "4",
        [{"model": "faceapi", "vector": [1.0] * 5}],
    )
    done = run(tmp_path)
    assert done.returncode == 1, "one index fails, visibly"
    assert done.stderr.startswith("The index before serves on: faceapi: The index holds vectors of 8")
    assert done.stderr.count("\n") == 1, done.stderr
    assert found(tmp_path, "facenet") == {second, third}, "the other one was done"
    assert version(tmp_path, "faceapi")["version"] == "v000001"

    done = run(tmp_path, "--rollback", "facenet")
    assert done.stdout == "facenet: v000001 is current again, with 20 vectors.\n"
    assert found(tmp_path, "facenet") == {first, second}


def start(output: Path) -> subprocess.Popen[str]:
    """A re-index in a process group of its own, with its server and its workers."""
    command = [sys.executable, "-m", "flows.reindex", str(output)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, text=True, start_new_session=True, **pipes)


@pytest.mark.soak  # two Prefect servers; tests/tasks/test_collect.py shows the turns that they take
def test_of_two_at_once_one_makes_the_version_and_the_other_finds_it_made(tmp_path: Path) -> None:
    asset = "0" * 15 + "1"
    analyse(tmp_path, asset)
    both = [start(tmp_path), start(tmp_path)]
    said = [process.communicate(timeout=560) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    printed = "".join(out for out, _ in said)
    for model in MODELS:
        assert printed.count(f"{model}: v000001 built") == 1
        assert printed.count(f"{model}: nothing new; v000001 has 10 vectors.") == 1
        assert found(tmp_path, model) == {asset}


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_at_random_moments_it_leaves_what_was_analysed_last_to_be_found(tmp_path: Path) -> None:
    """The whole flow with its server and workers, by SIGKILL; tests/containers/faiss/test_kill.py kills the
    faiss image until fifty died at moments that are nearer to each other."""
    moments = random.Random(0)
    assets = [f"{number:016x}" for number in range(1, 16)]
    analyse(tmp_path, assets[0])
    started = time.monotonic()
    assert run(tmp_path).returncode == 0
    length = time.monotonic() - started
    ended = 0
    for number, asset in enumerate(assets[1:], start=1):
        analyse(tmp_path, asset)
        process = start(tmp_path)
        time.sleep(length * moments.uniform(0.3, 1.1))
        ended += process.poll() is not None
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        for model in MODELS:
            assert found(tmp_path, model) == set(assets[: number + 1])
    assert ended < len(assets) / 2, "most were killed before their end"
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for model in MODELS:
        assert found(tmp_path, model) == set(assets)
        assert version(tmp_path, model)["count"] == 10 * len(assets)


def test_nothing_to_roll_back_to(tmp_path: Path) -> None:
    done = run(tmp_path, "--rollback", "facenet")
    assert done.returncode == 1
    assert done.stderr.endswith("has no previous version to go back to.\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(("--keep", 1), "--keep_versions"), (("--recall", 2), "--recall"), (("--memory", 1), "--memory_mb")],
)
def test_a_wrong_option_is_one_sentence(tmp_path: Path, arguments: tuple, sentence: str) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{sentence}: ")
    assert done.stderr.count("\n") == 1
