"""A temporary server that waits for the next run: shared, private, gone after a while."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flows.server import warm as warm_server
from flows.server.local import temporary_server, wait_for_server

STAND_IN = """
import sys, time
from pathlib import Path
from flows.server.warm import end_without_users
end_without_users(Path(sys.argv[2]), float(sys.argv[3]), lambda: __import__("os")._exit(0))
time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    return tmp_path / "mediaflow-servers"


def start(place: Path, keep_s: float) -> tuple[str, str, int]:
    """A process that ends as a server does, and is taken for one by its command line."""
    command = [sys.executable, "-c", STAND_IN, warm_server.MODULE, str(place), str(keep_s)]
    process = subprocess.Popen(command)
    started.append(process)
    return f"http://127.0.0.1:{process.pid}/api", "mediaflow:secret", process.pid


started: list[subprocess.Popen[bytes]] = []


@pytest.fixture(autouse=True)
def no_rest() -> Iterator[None]:
    yield
    while started:
        process = started.pop()
        process.kill()
        process.wait()


def test_the_next_run_finds_it_and_several_share_it(home: Path) -> None:
    with warm_server.warm_server(60, start) as first, warm_server.warm_server(60, start) as second:
        assert (first.url, first.secret) == (second.url, second.secret)
        assert first.poll() is None
    with warm_server.warm_server(60, start) as third:
        assert third.url == first.url
    assert len(started) == 1


def test_its_secret_is_this_users_alone(home: Path) -> None:
    with warm_server.warm_server(60, start):
        (place,) = home.glob("*.json")
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        place.chmod(0o644)  # somebody else may have read it
        with warm_server.warm_server(60, start):
            assert len(started) == 2


def test_it_ends_when_nobody_has_used_it_for_a_while(home: Path) -> None:
    with warm_server.warm_server(0.5, start):
        time.sleep(2)
        assert started[0].poll() is None, "it is in use"
    assert started[0].wait(timeout=30) == 0
    assert not list(home.glob("*.json"))


def test_one_that_died_is_replaced(home: Path) -> None:
    with warm_server.warm_server(60, start) as first:
        started[0].kill()
        started[0].wait()
        assert first.poll() == 1
        with warm_server.warm_server(60, start) as second:
            assert second.url != first.url


@pytest.mark.parametrize("content", ["", "[]", '{"url": "http://127.0.0.1:1", "secret": "x", "pid": 99999}'])
def test_a_damaged_or_strange_file_is_replaced(home: Path, content: str) -> None:
    with warm_server.warm_server(60, start):
        (place,) = home.glob("*.json")
    place.write_text(content)
    with warm_server.warm_server(60, start):
        assert len(started) == 2


def test_other_settings_of_prefect_have_another_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with warm_server.warm_server(60, start):
        monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "1")
        with warm_server.warm_server(60, start):
            assert len(started) == 1, "a run's own do not matter"
        monkeypatch.setenv("PREFECT_SERVER_EVENTS_RETENTION_PERIOD", "3600")
        with warm_server.warm_server(60, start):
            assert len(started) == 2


@pytest.mark.slow
def test_a_real_one_answers_two_runs_and_is_no_part_of_either(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDIAFLOW_KEEP_WARM", "0.05")
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "this run")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    seen, process = [], psutil.Process()
    for _ in range(2):
        with temporary_server() as server:
            wait_for_server(server)
            seen.append(os.environ["PREFECT_API_URL"])
            (process,) = (each for each in psutil.process_iter() if _serves(each, home))
            assert process.environ().get("PREFECT__FLOW_RUN_ID") is None
    assert len(set(seen)) == 1
    process.wait(timeout=60)


def _serves(process: psutil.Process, home: Path) -> bool:
    try:
        return any(word.startswith(str(home)) for word in process.cmdline())
    except psutil.Error:
        return False
