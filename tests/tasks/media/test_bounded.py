"""Media are read in a process of its own: whatever it does ends in a result or one sentence."""

import os
import signal
import struct
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PIL import Image

from containers.common.errors import MediaError, StorageError
from tasks.media import bounded, budget
from tasks.media.bounded import items_bounded, run_bounded
from tasks.media.budget import Budget, Meter, budget_of, check_room, longest_believed
from tasks.media.decode import decode
from tasks.media.probe import probe
from tests.tasks.media import odd_files as odd

ROOM = Budget()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return odd.video(tmp_path_factory.mktemp("film") / "a.mp4", "libx264")


def run_decode(path: Path, folder: Path, allowed: Budget = ROOM) -> dict:
    given = {"folder": str(folder), "frame_rate": 1.0, "audio_track": None, "pictures": True}
    return run_bounded("decode", path, allowed, **given)


def test_faces_are_cut_out_there_too(film: Path, tmp_path: Path) -> None:
    """One that moves from the left to the right within a second."""
    course = [7, 0.0, 9.0, [1.0, 2.0], [[0, 0, 16, 16], [48, 0, 16, 16]]]
    given = {"spans": [[1.0, 2.0]], "courses": [course], "width": 64, "seekable": True}
    (sheet,) = items_bounded("faces", film, ROOM, folder=str(tmp_path / "sheets"), **given)
    assert [(track, time) for track, time, *_ in sheet["cells"]] == [(7, 1 + n / 10) for n in range(10)]
    with Image.open(sheet["image"]) as picture:
        first, last = picture.getpixel((64, 64)), picture.getpixel((9 * 128 + 64, 64))
    assert first[0] > 200 > 100 > first[1], "the left is red"
    assert last[1] > 200 > 100 > last[0], "the right is green"


def test_while_nobody_listens_silence_is_no_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "STUCK", 1.0)
    killed = threading.Event()
    watch = bounded._Watch(cast(Any, SimpleNamespace(kill=killed.set)))
    with watch.patient():
        assert not killed.wait(1.5)
    assert killed.wait(60) and watch.stuck


def test_what_the_process_finds_comes_back(film: Path, tmp_path: Path) -> None:
    told: list[float] = []
    given = {"folder": str(tmp_path / "out"), "frame_rate": 1.0, "audio_track": None, "pictures": True}
    found = run_bounded("decode", film, ROOM, told.append, **given)
    assert found["duration"] == 2.0 and len(found["frames"]) == 2
    assert all(0 <= seconds <= 2 for seconds in told)


def test_too_much_memory_is_one_sentence(film: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"^a\.mp4 (needs more than|cannot be decoded).*\.$"):
        run_decode(film, tmp_path / "out", Budget(memory=160 * 2**20))


def test_a_decoder_that_breaks_is_one_sentence(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow = bounded._follow

    def broken(process, *others):
        os.kill(process.pid, signal.SIGSEGV)
        return follow(process, *others)

    monkeypatch.setattr(bounded, "_follow", broken)
    with pytest.raises(MediaError, match=r"^a\.mp4 cannot be decoded: it broke the decoder \(SIGSEGV\)\.$"):
        run_decode(film, tmp_path / "out")


def test_a_process_without_a_sign_of_life_is_ended(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "STUCK", 0.1)
    with pytest.raises(MediaError, match=r"^a\.mp4 cannot be decoded: nothing came out of it for 0 s\.$"):
        run_decode(film, tmp_path / "out")


def test_budgets_follow_from_what_the_file_says() -> None:
    small = budget_of(5_000, 2.0, 64 * 48)
    large = budget_of(50_000_000_000, 36_000.0, 7680 * 4320)
    assert small.memory < 2.1 * 2**30 < large.memory < 6 * 2**30
    assert small.cpu < 400 < large.cpu
    assert longest_believed(5_000, 360_000.0) <= 24 * 3600
    assert longest_believed(50_000_000_000, 36_000.0) > 36_000


def test_longer_than_a_file_can_be(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"goes on after 1\.0 hours"):
        Meter("a.mkv", tmp_path, 3600).check(3601)


def test_a_disk_that_is_too_small_is_told_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "KEPT_FREE", 2**60)
    with pytest.raises(StorageError, match=r"has 0\.0 MB to spare, and 10\.0 hours of media need 9\.2 GB"):
        check_room(tmp_path / "new", 10**10, 36_000.0)
    with pytest.raises(StorageError, match=r"to spare, and 2 seconds of media need 0\.5 MB while"):
        check_room(tmp_path / "new", 10**5, 2.0)


def test_the_same_file_is_probed_once(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = probe(film)
    monkeypatch.setattr("tasks.media.probe.run_bounded", lambda *given, **others: 1 / 0)
    assert probe(film) == first
    assert (first.width, first.height, first.duration) == (64, 48, 2.0)
    assert [track.taken for track in first.tracks] == [True]


def test_a_wav_of_one_hertz_writes_nothing(tmp_path: Path) -> None:
    body = bytes(32_000)
    header = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 1, 2, 2, 16) + b"data" + struct.pack("<I", len(body))
    path = tmp_path / "slow.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(header) + len(body)) + b"WAVE" + header + body)
    with pytest.raises(MediaError, match="a sample rate of 1 Hz"):
        decode.fn(path, tmp_path / "out", 1.0, None)
    assert not (tmp_path / "out").exists()
