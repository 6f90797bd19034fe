"""Runs that a killed worker had claimed, or whose process went with it, do not wait for ever."""

import socket
import time
from typing import Any

import psutil
import pytest

from flows.left_behind import RUN_ID, put_back
from tests.flows.serving import Server, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def own_server(tmp_path):
    """One of its own: its worker is killed."""
    home = tmp_path / "prefect"
    home.mkdir()
    with serving(home, PREFECT_WORKER_QUERY_SECONDS="2") as (server, process):
        yield server, process


def force(server: Server, run: dict[str, Any], kind: str, name: str) -> None:
    body = {"state": {"type": kind, "name": name}, "force": True}
    server.call("POST", f"/flow_runs/{run['id']}/set_state", **body)


def state(server: Server, run: dict[str, Any]) -> str:
    return server.call("GET", f"/flow_runs/{run['id']}")["state_name"]


def test_what_a_killed_worker_left_goes_on_or_has_crashed(own_server, tmp_path) -> None:
    server, serve = own_server
    (worker,) = [
        child for child in psutil.Process(serve.pid).children() if "worker" in " ".join(child.cmdline())
    ]
    worker.suspend()  # so that it takes nothing while the runs are made to look as it leaves them
    claimed = server.start("quality", output=str(tmp_path / "none"))
    force(server, claimed, "PENDING", "Submitting")
    places = ["999999", f"{socket.gethostname()}:999999", "another-machine:999999"]
    gone, gone_too, elsewhere = (server.start("quality", output=str(tmp_path / "none")) for _ in places)
    for run, place in zip((gone, gone_too, elsewhere), places, strict=True):
        server.call("PATCH", f"/flow_runs/{run['id']}", infrastructure_pid=place)
        force(server, run, "RUNNING", "Running")
    worker.kill()
    assert server.end_of(claimed)["state_name"] == "Failed", "it ran: there is no such folder"
    assert state(server, gone) == state(server, gone_too) == "Crashed"
    assert state(server, elsewhere) == "Running", "another machine answers for it"


def test_what_has_a_process_is_left_alone(own_server, monkeypatch, tmp_path) -> None:
    server, serve = own_server
    url = f"{server.url}/api"
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", server.secret)
    run = server.start("quality", output=str(tmp_path / "none"))
    deadline = time.monotonic() + 120
    while not any(
        RUN_ID in environment(child) for child in psutil.Process(serve.pid).children(recursive=True)
    ):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert put_back(url, "local") == []
    assert server.end_of(run)["state_name"] == "Failed"


def environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}
