"""Which images a run uses: its own, or those that all runs of a user share and keep warm."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from containers.common.errors import UserError
from containers.common.index.found import SearchResult
from containers.faiss.contract import SearchRequest
from deployments.local import Joined, LocalEndpoint, end_idle
from flows.runs.images import ENDPOINT, running_images
from tasks.calls.invoke import ImageKilled, invoke


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    yield tmp_path / "mediaflow" / "images"
    end_idle()


def ask(tmp_path: Path) -> None:
    """A call that is answered: there is no such index."""
    request = SearchRequest(action="search", index_uri=(tmp_path / "none").as_uri(), vectors=[[1.0]], k=1)
    with pytest.raises(UserError) as caught:
        invoke("faiss", request, SearchResult)
    if isinstance(caught.value, ImageKilled):
        raise caught.value


@pytest.mark.parametrize("minutes", [None, "0"])
def test_a_runs_own_where_none_are_shared(minutes: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDIAFLOW_KEEP_WARM")
    if minutes:
        monkeypatch.setenv("MEDIAFLOW_KEEP_WARM", minutes)
    with running_images() as own:
        assert isinstance(own, LocalEndpoint)
        with running_images() as again:
            assert again is own
    assert ENDPOINT not in os.environ


def test_those_that_another_run_left_warm(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_images() as first:
        assert isinstance(first, Joined)
        assert os.environ[ENDPOINT] == first.url
    monkeypatch.delenv("MEDIAFLOW_KEEP_WARM")
    with running_images() as second:
        assert isinstance(second, Joined), "they are there, so they are used"
    monkeypatch.setenv("MEDIAFLOW_KEEP_WARM", "0")
    with running_images() as third:
        assert isinstance(third, LocalEndpoint), "unless one wants none of that"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_whose_shared_images_are_ended_goes_on_with_others(
    own_home: Path, tmp_path: Path, number: int
) -> None:
    with running_images():
        ask(tmp_path)
        (place,) = own_home.glob("*.json")
        process = psutil.Process(json.loads(place.read_bytes())["pid"])
        process.send_signal(number)
        psutil.wait_procs([process], timeout=30)
        with pytest.raises(ImageKilled, match="Image 'faiss' was ended"):
            ask(tmp_path)  # a stage is done once more then
        ask(tmp_path)
