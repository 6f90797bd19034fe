"""Whoever is killed, no run waits for a person: worker, server, the run's own process, all of them."""

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import psutil
import pytest

from flows.service.left_behind import ATTEMPTS, LeftBehind
from flows.service.orphans import RUN_ID
from tests.flows.serving import Server, serving

pytestmark = pytest.mark.slow

MARK = "MEDIAFLOW_TEST"  # in the environment of a server's processes and of its images


@pytest.fixture(scope="module")
def own_server(tmp_path_factory):
    """One of their own, with images of its own: they are killed."""
    own = {"PREFECT_WORKER_QUERY_SECONDS": "2", MARK: str(uuid.uuid4())}
    with serving(tmp_path_factory.mktemp("prefect"), **own) as (server, process):
        yield server, process


def force(server: Server, run: dict[str, Any], kind: str, name: str) -> None:
    body = {"state": {"type": kind, "name": name}, "force": True}
    server.call("POST", f"/flow_runs/{run['id']}/set_state", **body)


def worker_of(serve: "subprocess.Popen[bytes]") -> psutil.Process:
    (found,) = [child for child in children(serve) if "worker" in command(child)]
    return found


def state(server: Server, run: dict[str, Any]) -> str:
    return server.call("GET", f"/flow_runs/{run['id']}")["state_name"]


def test_what_a_killed_worker_left_goes_on(own_server, tmp_path) -> None:
    server, serve = own_server
    worker = worker_of(serve)
    worker.suspend()  # so that it takes nothing while the runs are made to look as it leaves them
    claimed = server.start("quality", output=str(tmp_path / "none"))
    force(server, claimed, "PENDING", "Submitting")
    places = ["999999", f"{socket.gethostname()}:999999", "another-machine:999999"]
    gone, gone_too = (server.start("quality", output=str(tmp_path / "none")) for _ in places[:2])
    # In a queue of its own: one of the nightly queue's would rightly let nothing else run beside it.
    elsewhere = server.start("analyze", media=str(tmp_path / "none"), output=str(tmp_path))
    for run, place in zip((gone, gone_too, elsewhere), places, strict=True):
        server.call("PATCH", f"/flow_runs/{run['id']}", infrastructure_pid=place)
        force(server, run, "RUNNING", "Running")
    cancelled = server.start("quality", output=str(tmp_path / "none"))
    server.call("PATCH", f"/flow_runs/{cancelled['id']}", infrastructure_pid="999999")
    force(server, cancelled, "CANCELLING", "Cancelling")
    worker.kill()
    for run in (claimed, gone, gone_too):
        assert server.end_of(run)["state_name"] == "NothingToDo", "it ran: there is no such folder"
    names = [state["name"] for state in server.call("GET", f"/flow_run_states/?flow_run_id={gone['id']}")]
    assert names[1:4] == ["Running", "Crashed", "AwaitingRetry"], names
    assert state(server, elsewhere) == "Running", "another machine answers for it"
    force(server, elsewhere, "CANCELLED", "Cancelled")
    assert state(server, cancelled) == "Cancelled"


def test_what_crashes_every_time_is_left_crashed(own_server, tmp_path, monkeypatch) -> None:
    server, serve = own_server
    worker = worker_of(serve)
    worker.suspend()
    run = server.start("quality", output=str(tmp_path / "none"))
    for _ in range(1, ATTEMPTS):
        force(server, run, "RUNNING", "Running")
        force(server, run, "CRASHED", "Crashed")
        deadline = time.monotonic() + 120
        while state(server, run) != "AwaitingRetry":
            assert time.monotonic() < deadline
            time.sleep(0.5)
    force(server, run, "RUNNING", "Running")
    force(server, run, "CRASHED", "Crashed")
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", server.secret)
    assert LeftBehind(f"{server.url}/api", "local", serves=True).look() == []
    assert state(server, run) == "Crashed"
    worker.resume()


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
    left = LeftBehind(url, "local", serves=True)
    assert left.look() == left.look() == []
    assert server.end_of(run)["state_name"] == "NothingToDo"


VICTIMS = {
    "worker": lambda serve, run: [worker_of(serve)],
    "server": lambda serve, run: [
        child for child in children(serve) if "flows.server.local" in command(child)
    ],
    "image": lambda serve, run: images_of(serve)[:1],
    "engine": lambda serve, run: [child for child in processes_of(run) if "prefect.engine" in command(child)],
}


@pytest.mark.parametrize(
    ("killed", "limits"),
    [
        pytest.param(["worker"], False, marks=pytest.mark.soak),
        pytest.param(["server"], True, marks=pytest.mark.soak),
        pytest.param(["image"], False, marks=pytest.mark.soak),
        (["server", "worker", "engine"], True),
    ],
)
def test_a_run_ends_well_whoever_is_killed(own_server, clip, tmp_path, killed, limits) -> None:
    server, serve = own_server
    environment = {**os.environ, **server.variables}
    operate = [sys.executable, "-m", "flows.operate", "install" if limits else "remove"]
    subprocess.run(operate, env=environment, check=True, stdout=subprocess.DEVNULL)
    run = server.start("analyze", media=str(clip), output=str(tmp_path), options={"denoise": "off"})
    until(lambda: any(task["state_name"] == "Running" for task in server.of_run("task_runs", run)))
    until(lambda: all(VICTIMS[kind](serve, run) for kind in killed))
    for victim in [each for kind in killed for each in VICTIMS[kind](serve, run)]:
        victim.kill()
    until(lambda: state(server, run) == "Completed")
    ended = server.call("GET", f"/flow_runs/{run['id']}")
    assert ended["run_count"] == (2 if "engine" in killed else 1)
    assert len(list(tmp_path.glob("*/manifest.json"))) == 1
    until(lambda: not any(each["active_slots"] for each in limits_of(server)))


def until(true: Callable[[], bool], patience: float = 400) -> None:
    """Waits; a server that is being started again does not answer."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            if true():
                return
        time.sleep(0.5)
    raise TimeoutError


def limits_of(server: Server) -> list[dict[str, Any]]:
    return server.call("POST", "/v2/concurrency_limits/filter")


def processes_of(run: dict[str, Any]) -> list[psutil.Process]:
    """Its own and what it started."""
    own = [each for each in psutil.process_iter() if environment(each).get(RUN_ID) == run["id"]]
    started = (child for each in own for child in each.children(recursive=True))
    return list(dict.fromkeys([*own, *started]))


def images_of(serve: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """The workers, which belong to no run: all of this server's share them."""
    mark = environment(psutil.Process(serve.pid))[MARK]
    ours = (each for each in psutil.process_iter() if environment(each).get(MARK) == mark)
    return [each for each in ours if "bootstrap" in command(each)]


def children(serve: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    return psutil.Process(serve.pid).children()


def command(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


def environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}
