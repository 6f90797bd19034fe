"""A disk that is full in the middle of a batch: it is waited for, and no file fails that nobody has tried."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from tests.flows.serving import ROOT
from tests.flows.soak.disk import Disk

FILES = 4


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk")
    if not made.there:
        pytest.skip("this user may mount no disk")
    yield made
    made.close()


@pytest.fixture
def media(speech_wav: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    samples, rate = soundfile.read(speech_wav)
    for number in range(FILES):
        start = (7 + 3 * number) * rate
        soundfile.write(folder / f"clip{number}.wav", samples[start : start + 2 * rate], rate)
    return folder


def batch(media: Path, disk: Disk) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.batch", media, "--output", disk.folder / "out", "--at-once", "1"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_what_was_not_tried_has_not_failed_and_the_same_batch_goes_on(media: Path, disk: Disk) -> None:
    disk.fill()
    done = batch(media, disk)
    why = f"The disk that holds {disk.folder / 'out'} is full"
    assert done.returncode == 1
    assert done.stderr.startswith(f"{why}. {FILES - 1} of {FILES} files were not begun; "), done.stderr
    assert f"1 of {FILES} files failed: {media / 'clip0.wav'} (The disk" in done.stderr
    assert done.stderr.count("\n") == 1
    assert f"Waiting for room on the disk that holds {disk.folder / 'out'}" in done.stdout
    disk.free()
    again = batch(media, disk)
    assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_room_that_comes_back_lets_all_complete(media: Path, disk: Disk) -> None:
    disk.fill()
    freed = threading.Timer(60, disk.free)
    freed.start()
    done = batch(media, disk)
    freed.join()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "Waiting for room" in done.stdout
