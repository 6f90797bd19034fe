"""Lock files: among threads and processes, told after two seconds, freed by whoever ends first."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from containers.common.locks import held, lock_of

ROOT = Path(__file__).parents[3]
HOLDER = """
import sys, time
from pathlib import Path
from containers.common.locks import held
with held(Path(sys.argv[1]), "nobody"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_lock_is_freed_by_another_thread_than_took_it(tmp_path: Path) -> None:
    """filelock's default counts per thread: the release did nothing, and who came next waited for ever."""
    lock = lock_of(tmp_path / "lock")
    lock.acquire()
    freeing = threading.Thread(target=lock.release)
    freeing.start()
    freeing.join()
    with held(tmp_path / "lock", "nobody", patience=0):
        pass


def test_who_waits_says_for_what_and_goes_on_when_the_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        told: list[str] = []

        def say(sentence: str) -> None:
            told.append(sentence)
            holder.kill()

        with held(path, "another run", say=say, quiet=0.2):
            assert told == ["Waiting for another run."]


def test_patience_ends(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "lock"
    with held(path, "nobody"):
        with pytest.raises(TimeoutError), held(path, "it", say=told.append, patience=0):
            pytest.fail("two hold it")
        with pytest.raises(TimeoutError), held(path, "it", say=told.append, quiet=0.05, patience=0.1):
            pytest.fail("two hold it")
    assert told == ["Waiting for it."]


@pytest.mark.parametrize("folder", ["flows", "tasks", "containers", "deployments"])
def test_every_lock_is_taken_here(folder: str) -> None:
    elsewhere = [
        path
        for path in (ROOT / folder).rglob("*.py")
        if "FileLock(" in path.read_text(encoding="utf-8") and path.name != "locks.py"
    ]
    assert elsewhere == []
