"""What `make serve` keeps going: started again when it ends, later and later where that does not help."""

import os
import socket
import subprocess
import sys
from typing import Any, cast

import pytest

from flows import serve
from flows.service import keep_going
from flows.service.keep_going import LONGEST, SOON, Kept
from flows.service.results import RESULTS_URL
from tests.flows.serving import ROOT


class Child:
    """A process that ends when told."""

    stdin = None

    def __init__(self) -> None:
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(keep_going, "time", time)
    return time


@pytest.fixture
def said() -> list[str]:
    return []


def kept(said: list[str], **more: Any) -> Kept:
    return Kept("server", lambda: cast(Any, Child()), say=said.append, **more)


def end(child: Kept, time: Time, lived: float) -> float:
    """It ends after so many seconds; how long nothing happened then."""
    before = cast(Child, child.process)
    time.now += lived
    before.code = 1
    ended = time.now
    child.look()
    while child.process is before:
        time.now += 0.5
        child.look()
    return time.now - ended


def test_what_ends_is_started_again_at_once(time: Time, said: list[str]) -> None:
    child = kept(said)
    assert [end(child, time, 2 * SOON), end(child, time, 1), end(child, time, 2 * SOON)] == [0, 0, 0]
    assert said == ["The server ended (1); starting it again."] * 3


def test_later_and_later_where_that_does_not_help_and_at_once_again_where_it_did(
    time: Time, said: list[str]
) -> None:
    child = kept(said)
    pauses = [end(child, time, 1) for _ in range(8)]
    assert pauses == [0, 2, 4, 8, 16, 32, LONGEST, LONGEST]
    assert len(said) == 8, "once for each end"
    assert said[3] == "The server ended (1); starting it again in 8 s, since it ends soon after each start."
    assert end(child, time, SOON) == 0


def test_a_worker_is_started_when_the_server_is_there(time: Time, said: list[str]) -> None:
    there = False
    child = kept(said, may_start=lambda: there)
    ended = cast(Child, child.process)
    ended.code = -9
    for _ in range(5):
        time.now += 100
        child.look()
    assert child.process is ended and len(said) == 1
    there = True
    child.look()
    assert child.process is not ended


def test_nobody_takes_the_port_of_the_results_while_who_serves_them_is_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "mediaflow:secret")
    monkeypatch.setenv(RESULTS_URL, "")
    place = serve._results_place()
    assert place
    with place:
        port = place.getsockname()[1]
        assert os.environ[RESULTS_URL] == f"http://127.0.0.1:{port}"
        for _ in range(2):
            child = serve._results(place)
            with socket.create_connection(("127.0.0.1", port)) as asked:
                asked.settimeout(120)
                asked.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                assert asked.recv(100).startswith(b"HTTP/1.1 401 ")
            child.kill()
            child.wait()
            assert child.stdin
            child.stdin.close()
            with socket.socket() as another:
                another.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with pytest.raises(OSError, match="in use"):
                    another.bind(("127.0.0.1", port))


def test_a_server_whose_port_is_taken_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as another:
        port = another.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "flows.server.local", str(port), "127.0.0.1"],
            cwd=ROOT,
            env={**os.environ, "PREFECT_SERVER_API_AUTH_STRING": "mediaflow:secret"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Port {port} of 127.0.0.1 is taken by another program.\n"
