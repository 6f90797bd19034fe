"""A folder takes another's place in one step."""

import itertools
import threading
import time
from pathlib import Path

import pytest

from tasks.asset.exchange import exchange


def folder(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "file").write_text(content)
    return path


def test_the_two_trade_names(tmp_path):
    new, old = folder(tmp_path / "new", "new"), folder(tmp_path / "old", "old")
    exchange(new, old)
    assert (old / "file").read_text() == "new"
    assert (new / "file").read_text() == "old"


def test_a_missing_one_is_said(tmp_path):
    new = folder(tmp_path / "new", "new")
    with pytest.raises(FileNotFoundError):
        exchange(new, tmp_path / "old")
    assert (new / "file").read_text() == "new"


def test_a_reader_never_finds_neither(tmp_path):
    new, old = folder(tmp_path / "new", "new"), folder(tmp_path / "old", "old")
    stop, seen = threading.Event(), set()

    def read() -> None:
        while not stop.is_set():
            seen.add((old / "file").read_text())

    reader = threading.Thread(target=read)
    reader.start()
    deadline = time.monotonic() + 30
    for count in itertools.count(1):
        exchange(new, old)
        if (count >= 500 and len(seen) > 1) or time.monotonic() > deadline:
            break
    stop.set()
    reader.join()
    assert seen == {"new", "old"}
