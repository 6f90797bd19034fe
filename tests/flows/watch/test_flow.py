"""Watching as a service: what is new, known, failed and given up; outages told once and survived."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from containers.common.errors import UserError
from flows.watch import arrivals
from flows.watch import flow as watching
from flows.watch.arrivals import Arrival, Ledger
from flows.watch.bucket_events import QueueAway
from tests.flows.serving import Server


class Source:
    """A place that may be away."""

    def __init__(self, looks: list[list[Arrival] | Exception]) -> None:
        self._looks = looks

    def look(self) -> list[Arrival]:
        found = self._looks.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def settled(self, begun: Callable[[Arrival], bool]) -> None:
        pass

    def pause(self, every: float) -> float:
        return every


class Taken(Ledger):
    """Takes what arrives; the server is away at the looks in `away`."""

    def __init__(self, away: tuple[int, ...] = ()) -> None:
        super().__init__("here", "out", print)
        self.taken: list[str] = []
        self._away = away
        self._looks = 0

    def settle(self) -> None:
        self._looks += 1
        if self._looks in self._away:
            raise httpx.ConnectError("refused")
        self.taken += [arrival.media for arrival in self._open.values()]
        self._open.clear()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[str], list[float]]]:
    """Watches until the looks are over: what was complained of, and the pauses."""

    def run(looks: list[list[Arrival] | Exception], ledger: Ledger, **more: bool) -> Any:
        said: list[str] = []
        pauses: list[float] = []
        monkeypatch.setattr("flows.watch.source.source_of", lambda name, complain: Source(looks))
        monkeypatch.setattr(watching.time, "sleep", pauses.append)
        with pytest.raises(IndexError):
            watching.keep_watching("here", ledger, 10, said.append, **more)
        return said, pauses

    return run


A, B = Arrival("a.wav", "a"), Arrival("b.wav", "b")


def test_an_outage_is_told_once_and_nothing_is_lost(watched):
    gone = UserError("There is no folder here.")
    ledger = Taken(away=(5, 6))
    said, pauses = watched([[A], gone, gone, gone, [B], [], [], []], ledger)
    assert said == [
        "There is no folder here. Waiting until that is over.",
        "Over: There is no folder here.",
        "The Prefect server does not answer: refused. Waiting until that is over.",
        "Over: The Prefect server does not answer: refused.",
    ]
    assert ledger.taken == ["a.wav", "b.wav"]
    assert pauses == [10, 10, 10, 20, 10, 10, 10, 10]


def test_at_the_first_look_it_is_an_error_unless_the_watcher_was_started_again(watched):
    with pytest.raises(UserError, match="There is no folder here"):
        watched([UserError("There is no folder here.")], Taken())
    said, _ = watched([UserError("There is no folder here."), []], Taken(), patient=True)
    assert said[-1] == "Over: There is no folder here."


def test_a_queue_that_does_not_answer_is_waited_for_at_the_first_look_too(watched, monkeypatch):
    away = QueueAway("The queue does not answer.")
    ledger = Taken()
    said, _ = watched([away, [A], []], ledger)
    assert said == [
        "The queue does not answer. Waiting until that is over.",
        "Over: The queue does not answer.",
    ]
    assert ledger.taken == ["a.wav"]


def test_so_is_one_that_is_not_even_there_to_be_asked_for_its_address(monkeypatch):
    answers: list[Any] = [QueueAway("The queue does not answer."), Source([[A], []])]

    def source_of(name: str, complain: object) -> Source:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("flows.watch.source.source_of", source_of)
    monkeypatch.setattr(watching.time, "sleep", lambda seconds: None)
    said: list[str] = []
    ledger = Taken()
    with pytest.raises(IndexError):
        watching.keep_watching("sqs:arrivals", ledger, 10, said.append)
    assert said == [
        "The queue does not answer. Waiting until that is over.",
        "Over: The queue does not answer.",
    ]
    assert ledger.taken == ["a.wav"]


def until(true: Callable[[], bool], patience: float = 300) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.5)


@pytest.mark.slow
def test_the_watcher_is_a_run_that_tells_new_failed_and_given_up_apart(server, clip, tmp_path):
    """From the form; a broken file is tried again, a good one analysed, and cancelling ends the watcher."""
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    (incoming / "broken.wav").write_bytes(b"no media")
    parameters = {"source": str(incoming), "output": str(tmp_path / "out"), "every": 1}
    run = server.start("watch", **parameters)
    until(lambda: any("failed: " in line for line in lines(server, run)))
    (failed,) = [line for line in lines(server, run) if line.startswith("failed: ")]
    assert failed.startswith(f"failed: {incoming}/broken.wav: ")
    assert failed.endswith(f"Attempt 2 comes after {arrivals.PAUSES[0]}.")
    (incoming / "clip.wav").write_bytes(clip.read_bytes())
    until(lambda: f"completed: {incoming}/clip.wav" in lines(server, run))
    assert len(list((tmp_path / "out").glob("*/manifest.json"))) == 1
    state = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
    server.call("POST", f"/flow_runs/{run['id']}/set_state", **state)
    assert server.end_of(run)["state_name"] == "Cancelled"


@pytest.mark.slow
def test_what_fails_every_time_is_given_up_with_a_last_word(server, tmp_path, monkeypatch):
    monkeypatch.setattr(arrivals, "PAUSES", (timedelta(0), timedelta(0)))
    said: list[str] = []
    with server.asked():
        broken = Arrival(str(tmp_path / "broken.wav"), str(time.time_ns()))
        ledger = Ledger(str(tmp_path), tmp_path / "out", said.append)
        ledger.add([broken])
        for attempt in range(1, 4):
            ledger.settle()
            (run,) = runs_of(server, broken.keys[attempt - 1])
            server.end_of(run)
        ledger.settle()
        again = Ledger(str(tmp_path), tmp_path / "out", said.append)
        again.settle()
    assert [line.split(":")[0] for line in said] == [
        "new",
        "failed",
        "attempt 2",
        "failed",
        "attempt 3",
        *["given up"] * 2,
    ]
    assert said[-1].startswith(f"given up: {broken.media} failed 3 times, at last: ")
    assert ledger.begun(broken)


def lines(server: Server, run: dict[str, Any]) -> list[str]:
    return [entry["message"] for entry in server.of_run("logs", run)]


def runs_of(server: Server, key: str) -> list[dict[str, Any]]:
    return server.call("POST", "/flow_runs/filter", flow_runs={"idempotency_key": {"any_": [key]}})
