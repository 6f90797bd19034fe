"""Processes of runs whose worker is gone end when their run is cancelled. The server is made up."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psutil
import pytest

from flows.service.orphans import RUN_ID, Orphans, end_orphans, run_ids

WAITS = "import sys; print(flush=True); sys.stdin.read()"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAITS
Start = Callable[..., tuple[str, psutil.Process]]


@pytest.fixture
def start() -> Iterator[Start]:
    """`start(code)`: a run's id and its process; `worker`: below a process whose command is a worker's."""
    begun: list[subprocess.Popen[str]] = []

    def begin(code: str = WAITS, worker: bool = False) -> tuple[str, psutil.Process]:
        run = str(uuid.uuid4())
        own = {**os.environ, RUN_ID: run}
        command = [sys.executable, "-c", code]
        if worker:
            below = f"import subprocess; subprocess.run({command})"
            command = [sys.executable, "-c", below, "worker", "start"]
        pipe = subprocess.PIPE
        begun.append(subprocess.Popen(command, env=own, stdin=pipe, stdout=pipe, text=True))
        assert begun[-1].stdout
        begun[-1].stdout.readline()
        process = psutil.Process(begun[-1].pid)
        return run, process.children()[0] if worker else process

    yield begin
    for each in begun:
        each.communicate()


class Server:
    """Of runs `[id, state, process]`."""

    def __init__(self, *runs: tuple[str, str, str]) -> None:
        names = ("id", "state_type", "infrastructure_pid")
        self.runs = [dict(zip(names, run, strict=True)) | {"name": "watch"} for run in runs]
        self.asked = 0
        self.client = httpx.Client(base_url="http://server/api", transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        body: dict[str, Any] = json.loads(request.content)
        if request.url.path.endswith("set_state"):
            (run,) = [run for run in self.runs if run["id"] == request.url.path.split("/")[-2]]
            run["state_type"] = body["state"]["type"]
            return httpx.Response(201, json={})
        self.asked += 1
        wanted = body["flow_runs"]
        found = [run for run in self.runs if run["state_type"] in wanted["state"]["type"]["any_"]]
        return httpx.Response(200, json=[run for run in found if run["id"] in wanted["id"]["any_"]])


@pytest.mark.parametrize("state", ["CANCELLING", "CANCELLED"])
@pytest.mark.parametrize("host", ["", "here:"])
def test_the_process_of_a_cancelled_run_ends(start: Start, state: str, host: str) -> None:
    run, process = start()
    server, orphans = Server((run, state, f"{host}{process.pid}")), Orphans()
    said = ["Run watch: Cancelled. Its worker was gone; its process is ended."]
    assert orphans.end_cancelled(server.client) == said
    assert process.wait(10) is not None
    assert server.runs[0]["state_type"] == "CANCELLED"
    assert orphans.end_cancelled(server.client) == []


def test_at_the_second_look_by_force(start: Start) -> None:
    run, process = start(DEAF)
    server, orphans = Server((run, "CANCELLING", str(process.pid))), Orphans()
    assert len(orphans.end_cancelled(server.client)) == 1
    assert process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    assert orphans.end_cancelled(server.client) == []
    process.wait(10)


def test_what_is_not_cancelled_what_has_a_worker_and_what_belongs_to_another_run_go_on(start: Start) -> None:
    going, one = start()
    served, two = start(worker=True)
    mistaken, three = start()
    server = Server(
        (going, "RUNNING", str(one.pid)),
        (served, "CANCELLING", str(two.pid)),
        (mistaken, "CANCELLING", str(one.pid)),
    )
    assert {going, served, mistaken} <= run_ids()
    for _ in range(2):
        assert Orphans().end_cancelled(server.client) == []
    assert all(each.is_running() for each in (one, two, three))


@pytest.mark.parametrize("place", ["", "arn:aws:ecs:us-east-1:1:task/runs/abc", "0"])
def test_a_cancelled_run_of_another_place_is_no_matter(start: Start, place: str) -> None:
    run, process = start()
    server = Server((run, "CANCELLING", place))
    assert Orphans().end_cancelled(server.client) == []
    assert process.is_running()


def test_of_one_server_they_end_with_it(start: Start, monkeypatch) -> None:
    monkeypatch.setattr("flows.service.orphans.GRACE", 0.5)
    monkeypatch.setenv("PREFECT_API_URL", "http://another/api")
    _, another = start()
    monkeypatch.setenv("PREFECT_API_URL", "http://server/api")
    (_, deaf), (_, own), (_, below) = start(DEAF), start(), start(worker=True)
    end_orphans("http://server/api")
    for each in (deaf, own):
        each.wait(10)  # raises where it does not end
    assert another.is_running() and below.is_running(), "another server's, and one that has its worker"
