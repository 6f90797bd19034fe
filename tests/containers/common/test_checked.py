"""A model's file is read for its SHA-256 once, and again whenever it may be another."""

import hashlib
import os
import time
from pathlib import Path

import pytest

from containers.common.models import checked
from containers.common.models.checked import LEAST, sha256_known


@pytest.fixture
def reads(monkeypatch, tmp_path) -> list[str]:
    """Grows by one each time a file is read."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(checked, "QUIET", 0)
    seen, digest = [], hashlib.file_digest

    def read(stream, name):
        seen.append(stream.name)
        return digest(stream, name)

    monkeypatch.setattr(checked.hashlib, "file_digest", read)
    return seen


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(b"a" * LEAST)
    time.sleep(0.02)  # a tick of the file system's clock
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_that_has_not_changed_is_read_once(file, reads) -> None:
    assert [sha256_known(file) for _ in range(3)] == [sha256(file)] * 3
    assert len(reads) == 1


def test_one_that_was_changed_is_read_again_whatever_time_it_says(file, reads) -> None:
    sha256_known(file)
    before = file.stat()
    with file.open("r+b") as stream:
        stream.write(b"b")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert sha256_known(file) == sha256(file)
    other = file.with_name("other")
    other.write_bytes(b"c" * LEAST)
    other.replace(file)
    assert sha256_known(file) == sha256(file)
    assert len(reads) == 3


def test_what_was_changed_just_now_is_not_remembered(file, reads, monkeypatch) -> None:
    monkeypatch.setattr(checked, "QUIET", 60e9)
    sha256_known(file)
    sha256_known(file)
    assert len(reads) == 2


@pytest.mark.parametrize("damage", ["", "[]", '[[1, 2], "0"]', "null", "{"])
def test_notes_that_are_no_notes_or_that_others_may_have_written(file, reads, tmp_path, damage) -> None:
    sha256_known(file)
    (note,) = (tmp_path / "cache/mediaflow/checked").iterdir()
    note.chmod(0o666)
    assert sha256_known(file) == sha256(file)
    (note,) = (tmp_path / "cache/mediaflow/checked").iterdir()
    note.write_text(damage)
    assert sha256_known(file) == sha256(file)
    assert len(reads) == 3


def test_where_nothing_can_be_kept_a_file_is_read_each_time(file, reads, monkeypatch, tmp_path) -> None:
    (tmp_path / "none").write_text("a file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "none"))
    assert [sha256_known(file) for _ in range(2)] == [sha256(file)] * 2
    assert len(reads) == 2
