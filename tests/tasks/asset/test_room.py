"""A disk that is full is waited for, and nobody who waited in vain makes the next wait as long."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.asset import room as made
from tasks.asset.room import Room, room_on


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Bytes that the disk has left."""
    state = {"bytes": 0}
    monkeypatch.setattr(made.shutil, "disk_usage", lambda _: SimpleNamespace(free=state["bytes"]))
    monkeypatch.setattr(made, "LOOK", 0.01)
    return state


def test_nobody_waits_before_something_has_failed(free: dict[str, int], tmp_path: Path) -> None:
    assert Room(tmp_path).wait(pytest.fail)


def test_it_is_waited_for_and_told_until_there_is_room(free: dict[str, int], tmp_path: Path) -> None:
    room, told = Room(tmp_path / "not there yet"), list[str]()
    assert room.look()
    freed = threading.Timer(0.05, free.update, [{"bytes": 1 << 40}])
    freed.start()
    assert room.wait(told.append)
    assert told == [f"Waiting for room on the disk that holds {tmp_path / 'not there yet'}: it is full."]
    free["bytes"] = 0
    assert room.wait(pytest.fail), "it was not found full again"


def test_patience_counts_from_the_moment_at_which_it_was_full(free: dict[str, int], tmp_path: Path) -> None:
    room = Room(tmp_path, patience=0.05)
    assert room.look()
    assert not room.wait(lambda _: None)
    told = list[str]()
    assert not room.wait(told.append), "at once"
    free["bytes"] = 1 << 40
    assert room.wait(told.append)
    free["bytes"] = 0
    assert room.look()
    assert room_on(tmp_path) is room_on(tmp_path)
