"""Only a part of a recording: what is decoded of it, and when it is."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from containers.common.errors import MediaError
from tasks.media.decoded import Decoded
from tasks.media.decoding import decode_media
from tasks.media.part import Part, seconds_of, told
from tasks.media.reader import Reader
from tests.tasks.media import odd_files as odd

LONG = 12.0  # seconds
FILMS = [
    ("mp4", "libx264", "aac"),
    ("mkv", "libx264", "libopus"),
    ("ts", "libx264", "mp2"),
    ("avi", "mpeg4", "mp2"),
    ("mpg", "mpeg2video", "mp2"),
    ("webm", "libvpx", "libopus"),
    ("mov", "mpeg4", "pcm_s16le"),
    ("nut", "ffv1", "flac"),
]


def film(path: Path, codec: str, sound: str, start: float = 0.0) -> Path:
    """Brightness and pitch, where there is `sound`, say which second it is: 20 more of 255, 100 Hz more."""
    made = odd.Made(path)
    made.picture(codec, frames=round(LONG * odd.FPS), brighter=20, start=start)
    time = np.arange(round(LONG * odd.RATE)) / odd.RATE
    wave = 0.3 * np.sin(2 * np.pi * (200 + 100 * np.floor(time)) * time)
    if sound:
        made.sound(sound, wave.astype(np.float32)[None], start=start)
    return made.write()


def second_seen(image: str) -> int:
    with Image.open(image.removeprefix("file://")) as picture:
        return round((np.asarray(picture.convert("L")).mean() - 16) / 20 - 0.01)


def second_heard(decoded: Decoded, at: float) -> int:
    """The second of the media that is heard `at` seconds after the start of the sound."""
    rate, samples = wavfile.read((decoded.audio_16k or "").removeprefix("file://"))
    block = samples[round(at * rate) : round((at + 0.4) * rate)]
    return round((np.abs(np.fft.rfft(block * np.hanning(len(block)))).argmax() / 0.4 - 200) / 100)


@pytest.mark.parametrize(("suffix", "codec", "sound"), FILMS)
def test_times_are_those_of_the_whole(suffix: str, codec: str, sound: str, tmp_path: Path) -> None:
    path = film(tmp_path / f"a.{suffix}", codec, sound)
    decoded = decode_media(path, tmp_path / "out", 1, part=Part(5.5, 8.5))
    assert decoded.start == 5.5
    assert decoded.duration == pytest.approx(3.0, abs=0.1)
    times = [frame.time for frame in decoded.frames]
    assert times == pytest.approx([5.5, 6, 7, 8], abs=0.101)
    assert [second_seen(frame.image) for frame in decoded.frames] == [5, 6, 7, 8]
    assert decoded.shots[0] == times[0]
    assert [second_heard(decoded, at) for at in (0.05, 0.55, 1.55, 2.55)] == [5, 6, 7, 8]
    assert not decoded.notes
    with Reader(path) as reader:
        reader.go_to(5.5)
        assert reader._passed, "nothing of what comes before is decoded"


def test_a_clock_that_starts_again_is_not_believed(tmp_path: Path) -> None:
    """Two recordings joined: second 14 of the whole is second 2 of the second."""
    path = film(tmp_path / "a.ts", "libx264", "mp2")
    path.write_bytes(path.read_bytes() * 2)
    decoded = decode_media(path, tmp_path / "out", 1, part=Part(14, 16))
    assert [frame.time for frame in decoded.frames[-2:]] == pytest.approx([14, 15], abs=0.11)
    assert [second_seen(frame.image) for frame in decoded.frames[-2:]] == [2, 3]
    assert second_heard(decoded, 0.3) == 2


def test_without_timestamps_frames_are_counted(tmp_path: Path) -> None:
    path = odd.video(tmp_path / "a.h264", "libx264", frames=60, brighter=20)
    decoded = decode_media(path, tmp_path / "out", 1, part=Part(2, 4))
    assert [second_seen(frame.image) for frame in decoded.frames] == [int(f.time) for f in decoded.frames]


def test_a_clock_that_begins_late_counts_from_its_beginning(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", "libx264", "libopus", start=100)
    decoded = decode_media(path, tmp_path / "out", 1, part=Part(4, 6))
    assert [second_seen(frame.image) for frame in decoded.frames] == [4, 5]
    assert second_heard(decoded, 1.3) == 5


def test_the_picture_that_is_shown_when_it_starts_is_its_first(tmp_path: Path) -> None:
    """One picture every ten seconds."""
    images = [Image.new("RGB", (64, 48), (grey, grey, grey)) for grey in (10, 90, 170)]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=10_000)
    decoded = decode_media(tmp_path / "a.gif", tmp_path / "out", 1, part=Part(14, 18))
    assert [frame.time for frame in decoded.frames] == [14.0]
    assert (decoded.start, decoded.duration, decoded.shots) == (14, 4, [14.0])
    with Image.open(decoded.frames[0].image.removeprefix("file://")) as picture:
        assert np.asarray(picture).mean() == pytest.approx(90, abs=3)


def test_to_the_end(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", "libx264", "libopus")
    decoded = decode_media(path, tmp_path / "out", 1, part=Part(10.0))
    assert decoded.duration == pytest.approx(2.0, abs=0.1)
    beyond = decode_media(path, tmp_path / "out2", 1, part=Part(10.0, 99.0))
    assert beyond.duration == decoded.duration


def test_channels_are_cut_as_their_mix_is(tmp_path: Path) -> None:
    path = odd.audio(tmp_path / "a.wav", "pcm_s16le", odd.tone(gains=(1, 0.2)))
    decoded = decode_media(path, tmp_path / "out", 1, channels="separate", part=Part(0.5, 1.25))
    for uri in [str(decoded.audio_16k), *decoded.channels_16k]:
        rate, samples = wavfile.read(uri.removeprefix("file://"))
        assert len(samples) == pytest.approx(0.75 * rate, abs=2)


@pytest.mark.parametrize("suffix", ["mkv", "wav", "png"])
def test_nothing_is_there(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "mkv":
        odd.video(path, "libx264")
    elif suffix == "wav":
        odd.audio(path, "pcm_s16le")
    else:
        odd.quarters().save(path)
    with pytest.raises(MediaError) as refused:
        decode_media(path, tmp_path / "out", 1, part=Part(60, 90))
    assert str(refused.value).startswith(
        f"{path.name} has nothing from 0:01:00 to 0:01:30: it ends at 0:00:0"
    )


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("90", 90), ("90.5", 90.5), ("1:30", 90), ("1:02:03.5", 3723.5), (" 0:07 ", 7), (12, 12), ("", None)],
)
def test_times_as_people_write_them(given: object, seconds: float | None) -> None:
    assert seconds_of(given) == seconds


@pytest.mark.parametrize("given", ["soon", "1:75", "1:61:00", "-3", "1:2:3:4", "1,5", "nan"])
def test_what_is_no_time(given: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        seconds_of(given)


def test_times_are_told_as_a_clock_shows_them() -> None:
    assert [told(seconds) for seconds in (0, 61, 3723.5)] == ["0:00:00", "0:01:01", "1:02:03.5"]
