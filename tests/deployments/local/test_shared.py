"""One endpoint for all runs of a user: found, shared, kept warm for a while, gone when nobody needs it."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from deployments.local import Joined, end_idle, join, shared
from tests.deployments.local.conftest import Caller

IMAGES = Path(__file__).parent / "images"
DAEMON = """
import sys
from containers.common import image
from deployments.local import endpoint, serve_shared
from tests.deployments.local.samples import ROOT, sample_image
endpoint.LocalEndpoint.__init__.__kwdefaults__ |= {"root": ROOT}
endpoint.LocalEndpoint.__init__.__defaults__ = (sample_image,)
sys.argv[0:1] = []
serve_shared.main()
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of the test's own, and an endpoint whose images are those of `images/`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    popen = subprocess.Popen

    def with_sample_images(command: list[str], **options: object) -> "subprocess.Popen[str]":
        return popen([sys.executable, "-c", DAEMON, *command[2:]], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(shared.subprocess, "Popen", with_sample_images)
    yield tmp_path / "mediaflow" / "images"
    for place in (tmp_path / "mediaflow" / "images").glob("*.json"):
        os.kill(json.loads(place.read_bytes())["pid"], signal.SIGKILL)


def pid_of(home: Path) -> int:
    (place,) = home.glob("*.json")
    return json.loads(place.read_bytes())["pid"]


def called(joined: Joined) -> None:
    """Returns when the image `sleep` was called."""
    while "sleep" not in joined.peak_memory():
        time.sleep(0.01)


def test_the_next_run_finds_the_worker_warm(own_home: Path) -> None:
    with join(60) as first:
        assert Caller(first.url)("about").result["calls"] == 1
    with join(60) as second:
        assert Caller(second.url)("about").result["calls"] == 2
        assert second.url != first.url
        assert second.peak_memory()["about"] > 1 << 20


def test_runs_at_the_same_time_share_it_and_start_it_once(own_home: Path) -> None:
    with ThreadPoolExecutor(5) as threads:
        joined = list(threads.map(lambda _: join(60), range(5)))
    assert len({each.url.rpartition("/")[0] for each in joined}) == 1
    assert sorted(Caller(each.url)("about").result["calls"] for each in joined) == [1, 2, 3, 4, 5]
    for each in joined:
        each.__exit__()


def test_it_ends_with_its_workers_when_nobody_has_needed_it_for_a_while(
    own_home: Path, gone: Callable[[list[int]], bool]
) -> None:
    with join(0.5) as joined:
        worker = Caller(joined.url)("about").result["pid"]
        process = pid_of(own_home)
        time.sleep(1.5)
        assert psutil.pid_exists(process), "it is attended, though idle"
    assert gone([process, worker])
    assert not list(own_home.glob("*.json"))
    assert join(0.5, start=False) is None


def test_one_that_was_replaced_while_it_stood_still_keeps_the_address_of_the_other(
    own_home: Path, gone: Callable[[list[int]], bool]
) -> None:
    with join(0.5):
        process = pid_of(own_home)
        (place,) = own_home.glob("*.json")
        place.write_text('{"url": "http://127.0.0.1:9/another"}')
    assert gone([process])
    assert "another" in place.read_text()
    place.unlink()


def test_it_can_be_told_that_nobody_will_need_it(
    own_home: Path, gone: Callable[[list[int]], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    with join(600), monkeypatch.context() as elsewhere:
        process = pid_of(own_home)
        elsewhere.setenv("AWS_ENDPOINT_URL", "http://another.example")
        end_idle()  # that environment's
    with join(600):
        assert pid_of(own_home) == process, "nobody ended this one"
        end_idle()
        assert not gone([process]), "this run needs it"
    assert gone([process]), "nobody does"


def test_who_leaves_takes_its_calls_along_and_nobody_elses(own_home: Path) -> None:
    with join(60) as stays, ThreadPoolExecutor(2) as threads:
        with join(60) as leaves:
            lost = threads.submit(Caller(leaves.url), "sleep", {"seconds": 60})
            called(stays)
            queued = threads.submit(Caller(stays.url), "sleep", {"seconds": 0})
        assert queued.result(timeout=20).result["seconds"] == 0
        with pytest.raises(Exception, match="has stopped"):
            lost.result(timeout=20)


def test_who_waits_behind_another_run_is_told_for_what(own_home: Path) -> None:
    told: list[str] = []
    with join(60) as first, join(60) as second, ThreadPoolExecutor(2) as threads:
        second.on_wait = told.append
        threads.submit(Caller(first.url), "sleep", {"seconds": 5})
        called(first)
        Caller(second.url)("sleep", {"seconds": 0})
    assert told == ["Waiting for sleep: other runs on this machine use it."]


def test_where_it_is_killed_another_takes_its_place(own_home: Path) -> None:
    with join(60) as joined:
        moves: list[str] = []
        joined.on_move = lambda: moves.append(joined.url)
        before = joined.url
        os.kill(pid_of(own_home), signal.SIGKILL)
        assert joined.moved_from(before)
        assert moves == [joined.url]
        assert Caller(joined.url)("about").result["calls"] == 1


def test_another_environment_or_code_has_another_one(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = shared.identity(IMAGES)
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    monkeypatch.setenv("MEDIAFLOW_TEMPORARY_SERVER", "1")
    assert shared.identity(IMAGES) == first
    monkeypatch.setenv("MEDIAFLOW_MODELS", "/another/store")
    assert shared.identity(IMAGES) != first


def test_an_edited_file_of_an_image_is_other_code(tmp_path: Path) -> None:
    code = tmp_path / "containers" / "one" / "app.py"
    code.parent.mkdir(parents=True)
    code.write_text("one = 1\n")
    before = shared.identity(tmp_path)
    code.write_text("one = 22\n")
    assert shared.identity(tmp_path) != before


def test_its_address_is_this_users_alone(own_home: Path) -> None:
    with join(60):
        (place,) = own_home.glob("*.json")
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        assert stat.S_IMODE(own_home.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", ["", "[]", '{"url": "http://example.com/x"}', '{"url": 5}'])
def test_a_damaged_or_strange_address_is_replaced(own_home: Path, content: str) -> None:
    own_home.mkdir(parents=True)
    (own_home / f"{shared.identity(shared.registry.CONTAINERS.parent)}.json").write_text(content)
    with join(60) as joined:
        assert isinstance(joined, Joined)
        assert Caller(joined.url)("echo", 1).result == 1
