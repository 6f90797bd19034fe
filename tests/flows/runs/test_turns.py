"""Analyses of one user take turns as memory allows: who waits says so, and no killed one keeps a turn."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.runs import turns
from flows.runs.images import ENDPOINT, turn_of
from flows.runs.turns import AT_ONCE, turn

HOLDER = """
import sys
from flows.runs.turns import turn
with turn():
    print("has it", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], "subprocess.Popen[str]"]:
    """Another process that has one of two turns."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv(AT_ONCE, "2")
    monkeypatch.setattr(turns.tempfile, "tempdir", None)

    def start() -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", HOLDER]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert holder.stdout and holder.stdout.readline() == "has it\n"
        return holder

    return start


def test_who_waits_for_a_turn_says_so_and_goes_on_when_one_is_killed(hold) -> None:
    first, second = hold(), hold()
    told: list[str] = []
    had = threading.Event()

    def wait() -> None:
        with turn(told.append):
            had.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert not had.wait(2.8)
    assert told == ["Waiting for one of 2 other runs to end: this machine's memory takes no more at once."]
    first.kill()
    waiting.join(30)
    assert had.is_set()
    second.kill()
    for each in (first, second):
        each.communicate()


def test_runs_of_one_process_have_one_turn_together(hold) -> None:
    other = hold()
    with turn(pytest.fail), turn(pytest.fail):
        assert turns._ours
    assert not turns._ours
    other.kill()
    other.communicate()


def test_as_many_as_memory_allows_and_always_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(AT_ONCE, raising=False)
    monkeypatch.setattr(turns, "cores", lambda: 8)
    for gigabytes, at_once, sharing in ((2, 1, 1), (8, 1, 3), (16, 2, 6), (64, 10, 16)):
        monkeypatch.setattr(turns, "memory", lambda memory=gigabytes * 2**30: memory)
        assert (turns.runs_at_once(), turns.runs_at_once(sharing=True)) == (at_once, sharing)


def test_a_run_that_shares_images_waits_for_none_that_has_its_own(hold) -> None:
    """Not behind a long one, though the machine takes no second with images of its own."""
    first, second = hold(), hold()
    with turn(pytest.fail, sharing=True):
        assert turns._ours
    for each in (first, second):
        each.kill()
        each.communicate()


def test_who_is_to_share_images_takes_such_a_turn(hold, monkeypatch: pytest.MonkeyPatch) -> None:
    for minutes, sharing in (("0", False), ("10", True)):
        monkeypatch.setenv("MEDIAFLOW_KEEP_WARM", minutes)
        with turn_of("local"):
            (lock,) = turns._ours
            assert Path(lock.lock_file).name.startswith("shared-") == sharing


def test_images_that_run_elsewhere_need_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    with turn_of("aws"):
        assert not turns._ours
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    with turn_of("local"):
        assert not turns._ours


def test_a_folder_of_another_user_gives_no_turns(hold, tmp_path: Path) -> None:
    (tmp_path / f"mediaflow-runs-{os.getuid()}").symlink_to(tmp_path)
    with pytest.raises(turns.StorageError, match="belongs to another user"), turn():
        pass
