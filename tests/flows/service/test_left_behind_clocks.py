"""A clock that is set while runs wait or crash leaves none behind. The answers of the server are made up."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from flows.service import left_behind
from flows.service.left_behind import LeftBehind

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Time(datetime):
    """`now` is what a test says."""

    shift = timedelta()

    @classmethod
    def now(cls, tz: Any = None) -> "datetime":
        return NOW + cls.shift


class Answers:
    """`/flow_runs/filter` and `set_state` as Prefect's server has them, over a few runs."""

    def __init__(self, *runs: dict[str, Any]) -> None:
        self.runs = {run["id"]: run for run in runs}
        self.states: dict[str, dict[str, Any]] = {}
        self.beats: dict[str, int] = {}
        self.workers: dict[str, str] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if request.url.path.endswith("set_state"):
            self.states[request.url.path.split("/")[-2]] = body["state"]
            return httpx.Response(201, json={})
        if request.url.path == "/api/work_pools/local/workers/filter":
            workers = [{"name": name, "status": status} for name, status in self.workers.items()]
            return httpx.Response(200, json=workers)
        if request.url.path.endswith("/events/filter"):
            (run,) = body["filter"]["resource"]["id"]
            beat = self.beats.get(run.removeprefix("prefect.flow-run."))
            return httpx.Response(200, json={"events": [{"id": f"beat {beat}"}] if beat else []})
        wanted = body["flow_runs"]
        found = [run for run in self.runs.values() if run["state_type"] in wanted["state"]["type"]["any_"]]
        for field in ("end_time", "next_scheduled_start_time"):
            if after := wanted.get(field):
                found = [run for run in found if run[field] and run[field] >= after["after_"]]
        return httpx.Response(200, json=found if not body["offset"] else [])


def run(name: str, kind: str, said: datetime, **more: Any) -> dict[str, Any]:
    entry = {"id": name, "name": name, "state_type": kind, "state_id": name, "run_count": 1, "tags": []}
    entry |= {"infrastructure_pid": "999999", "auto_scheduled": False, "end_time": None}
    entry |= {"next_scheduled_start_time": None, "state": {"timestamp": said.isoformat()}}
    return entry | more


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`looking(*runs)`: the server's answers, and who looks at them."""
    monkeypatch.setattr(left_behind, "datetime", Time)
    monkeypatch.setattr(Time, "shift", timedelta())

    def start(*runs: dict[str, Any]) -> tuple[Answers, LeftBehind]:
        answers = Answers(*runs)
        client = httpx.MockTransport(answers)
        made = lambda url: httpx.Client(base_url=url, transport=client)  # noqa: E731
        monkeypatch.setattr(left_behind, "asking", made)
        return answers, LeftBehind("http://server/api", "local", serves=True)

    return start


def test_what_was_put_off_before_the_clock_was_set_back_is_due_now(looking: Any) -> None:
    tomorrow, soon = NOW + timedelta(days=1), NOW + timedelta(hours=2)
    answers, left = looking(
        run("put off", "SCHEDULED", tomorrow, next_scheduled_start_time=tomorrow.isoformat()),
        run("asked for later", "SCHEDULED", NOW, next_scheduled_start_time=soon.isoformat()),
        run(
            "of a schedule",
            "SCHEDULED",
            tomorrow,
            next_scheduled_start_time=tomorrow.isoformat(),
            auto_scheduled=True,
        ),
    )
    assert left.look() == ["Run put off: Scheduled. A clock was set back: this run was due already."]
    assert set(answers.states) == {"put off"}
    assert "scheduled_time" not in answers.states["put off"].get("state_details", {}), "the server's now"


def test_what_crashed_before_the_clock_was_set_forward_is_no_history(looking: Any) -> None:
    crashed = NOW - timedelta(minutes=1)
    answers, left = looking(
        run("crashed", "CRASHED", crashed, end_time=crashed.isoformat()),
        run("long ago", "CRASHED", crashed, end_time=(NOW - timedelta(days=2)).isoformat()),
    )
    Time.shift = timedelta(days=1)
    assert len(left.look()) == 1
    assert answers.states["crashed"]["name"] == "AwaitingRetry"


def test_a_crash_that_is_told_while_the_next_attempt_runs_starts_none_beside_it(
    looking: Any, monkeypatch
) -> None:
    """Prefect's worker tells it twice; that attempt ends by it, and there is another in its place."""
    run_of = run("a", "CRASHED", NOW, end_time=NOW.isoformat(), run_count=2)
    answers, left = looking(run_of)
    monkeypatch.setattr(left_behind, "run_ids", lambda: {"a"})
    assert left.look() == []
    monkeypatch.setattr(left_behind, "run_ids", set)
    run_of["run_count"] = left_behind.ATTEMPTS
    assert left.look() and answers.states["a"]["name"] == "AwaitingRetry"
    run_of["run_count"] += 1
    answers.states.clear()
    assert left.look() == [] and not answers.states


def test_a_run_of_a_machine_that_is_gone_holds_no_queue(looking: Any, monkeypatch) -> None:
    """It has stopped to give heartbeats; one that never gave any, or gives them, is let alone."""
    elsewhere = {"infrastructure_pid": "another-machine:7", "run_count": 9}
    answers, left = looking(*(run(name, "RUNNING", NOW, **elsewhere) for name in ("gone", "alive", "mute")))
    answers.beats = {"gone": 1, "alive": 1}
    said: list[str] = []
    for look in range(16):
        monkeypatch.setattr(left_behind.time, "monotonic", lambda look=look: 20.0 * look)
        answers.beats["alive"] += 1
        said += left.look()
        assert said == [] or look == 15
    assert said == ["Run gone: Crashed. The process of this run is gone, and nobody saw it end."]
    assert set(answers.states) == {"gone"}


def test_while_the_server_is_away_no_machine_counts_as_silent(looking: Any, monkeypatch) -> None:
    elsewhere = {"infrastructure_pid": "another-machine:7", "run_count": 9}
    answers, left = looking(run("waits too", "RUNNING", NOW, **elsewhere))
    answers.beats = {"waits too": 1}
    for now in (0.0, 900.0):
        monkeypatch.setattr(left_behind.time, "monotonic", lambda now=now: now)
        assert left.look() == []


def test_what_another_machine_is_about_to_start_is_left_to_it(looking: Any, monkeypatch) -> None:
    """Until that machine is gone, or has said nothing for long."""
    answers, left = looking(run("claimed", "PENDING", NOW, infrastructure_pid=None))
    answers.workers = {left_behind.socket.gethostname(): "ONLINE", "another-machine": "ONLINE"}
    for look in range(15):
        monkeypatch.setattr(left_behind.time, "monotonic", lambda look=look: 20.0 * look)
        assert left.look(unserved=look == 7) == []
    monkeypatch.setattr(left_behind.time, "monotonic", lambda: 300.0)
    said = ["Run claimed: Scheduled. The worker ended before it had started this run."]
    assert left.look() == said
    answers, alone = looking(run("claimed", "PENDING", NOW, infrastructure_pid=None))
    answers.workers["another-machine"] = "OFFLINE"
    assert (alone.look(), alone.look()) == ([], said)


@pytest.mark.parametrize(
    ("place", "lost"), [("here", True), ("another-machine", False), ("this machine", True)]
)
def test_whose_a_run_is_its_worker_s_name_tells(looking: Any, monkeypatch, place, lost) -> None:
    """Of its process Prefect's worker tells the number alone, which another machine has not."""
    monkeypatch.setattr(left_behind.socket, "gethostname", lambda: "here")
    answers, left = looking(run("a", "RUNNING", NOW, labels={"prefect.worker.name": place}))
    answers.workers = {"here": "ONLINE", "another-machine": "ONLINE"}
    left.look()
    assert bool(left.look()) == lost
