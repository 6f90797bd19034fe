"""Scratch folders of processes that are gone."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tasks.housekeeping.scratch import clear_scratch


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def folder(scratch: Path, name: str, days: float) -> Path:
    made = scratch / name
    made.mkdir()
    (made / "log").write_bytes(bytes(1000))
    then = time.time() - days * 86400
    for path in (made / "log", made):
        os.utime(path, (then, then))
    return made


def test_old_ones_of_ours_go(scratch: Path) -> None:
    old, young = folder(scratch, "mediaflow-logs-a", 3), folder(scratch, "mediaflow-faiss-b", 0)
    others = folder(scratch, "somebody-elses", 30)
    outside = folder(scratch, "outside", 30)
    link = scratch / "mediaflow-logs-link"
    link.symlink_to(outside)
    found = clear_scratch(hours=24)
    assert (found.removed, found.freed, found.left) == (1, 1000, 1000)
    assert not old.exists()
    assert young.exists() and others.exists() and outside.exists() and link.is_symlink()


@pytest.mark.parametrize("use", ["TMPDIR", "open"])
def test_what_a_process_needs_stays(scratch: Path, use: str) -> None:
    """However long nothing was written there: a warm image may be idle over a weekend."""
    needed = folder(scratch, "mediaflow-whisperx-a", 3)
    program = "import sys; file = open(sys.argv[1]); print(flush=True); sys.stdin.read()"
    opened = str(needed / "log") if use == "open" else os.devnull
    environment = {**os.environ, "TMPDIR": str(needed)} if use == "TMPDIR" else dict(os.environ)
    with subprocess.Popen(
        [sys.executable, "-c", program, opened],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout and process.stdin
        process.stdout.readline()
        assert clear_scratch(hours=24).removed == 0
        process.stdin.close()
    assert clear_scratch(hours=24).removed == 1
