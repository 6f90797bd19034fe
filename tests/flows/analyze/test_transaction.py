"""What Prefect does for stages: what cannot be published leaves the search; an image that was killed gets its
call again."""

from pathlib import Path

import numpy as np
import pytest
from prefect import flow, task
from prefect.transactions import transaction

from containers.common.index.delta import list_delta
from flows.analyze.board import Board
from flows.analyze.stages import Stages
from tasks.asset.folder import Asset
from tasks.calls.invoke import ImageError, ImageKilled
from tasks.outputs.embeddings import write_embeddings
from tasks.stages.index.run import index
from tasks.stages.output import StageOutput

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def harness():
    from prefect.testing.utilities import prefect_test_harness  # the whole of Prefect's server

    with prefect_test_harness(server_startup_timeout=300):
        yield


def vectors(folder: Path, number: int) -> Path:
    path = folder / f"embeddings{number}.parquet"
    vector = np.zeros(128, np.float32)
    vector[number] = 1
    row = {"id": "a:face0", "model": "faceapi", "kind": "face", "vector": vector.tolist(), "metadata": {}}
    write_embeddings(path, "a", [row])
    return path


@flow
def indexed(embeddings: Path, output: Path, published: bool) -> None:
    with transaction():
        index.submit("a", embeddings, ["faceapi"], output / "index").result()
        if not published:
            raise OSError("the disk is full")


def test_the_search_is_as_before_when_publishing_fails(tmp_path):
    uri = (tmp_path / "index" / "faceapi").as_uri()
    with pytest.raises(OSError, match="full"):
        indexed(vectors(tmp_path, 1), tmp_path, published=False)
    assert list_delta(uri) == []
    indexed(vectors(tmp_path, 1), tmp_path, published=True)
    before = list_delta(uri)
    assert len(before) == 1
    with pytest.raises(OSError, match="full"):
        indexed(vectors(tmp_path, 2), tmp_path, published=False)
    assert list_delta(uri) == before


@pytest.mark.parametrize(
    ("faults", "state"),
    [([ImageKilled], "done"), ([ImageKilled, ImageKilled], "failed"), ([ImageError], "failed")],
)
def test_a_stage_whose_image_was_killed_is_done_again_once(tmp_path, faults, state):
    """Whatever else fails would fail again."""
    left = list(faults)

    @task
    def tag() -> StageOutput:
        if left:
            raise left.pop(0)("signal: killed")
        return StageOutput()

    @flow
    def analysed() -> Board:
        stages = Stages(Asset.at(tmp_path, "0123456789abcdef"), {}, Board())
        stages.collect(stages.submit("tag", tag))
        return stages.board

    board = analysed()
    assert board.stages["tag"].state == state
    assert left == []
