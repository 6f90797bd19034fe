"""Clips and parts of a film have the streams that were analysed: not the first ones, the right ones."""

from pathlib import Path

import av
import numpy as np
import pytest

from tasks.media.cutting import cut
from tasks.media.reel import make_part
from tests.tasks.media.odd_files import RATE, Made

PITCHES = (300, 2000)  # Hz, of the first audio track and of the second, which is the default


@pytest.fixture
def two_languages(tmp_path: Path) -> Path:
    """Two seconds of pictures, a small preview before them, and two audio tracks."""
    times = np.arange(2 * RATE) / RATE
    made = Made(tmp_path / "film.mkv")
    made.picture("mpeg4", (64, 48))
    made.picture("mpeg4", (320, 240), default=True)
    for number, pitch in enumerate(PITCHES):
        tone = 0.5 * np.sin(2 * np.pi * pitch * times)[None].astype(np.float32)
        made.sound("aac", tone, language=("ger", "eng")[number], default=bool(number))
    return made.write()


def pitch_of(path: Path) -> int:
    with av.open(str(path)) as clip:
        assert len(clip.streams.audio) == 1
        rate = clip.streams.audio[0].rate
        sound = np.concatenate([frame.to_ndarray().reshape(1, -1)[0] for frame in clip.decode(audio=0)])
        channels = clip.streams.audio[0].channels
    if sound.dtype == np.int16:  # packed
        sound = sound[::channels]
    spectrum = np.abs(np.fft.rfft(sound[: rate // 2].astype(float)))
    return round(float(spectrum.argmax()) * rate / len(sound[: rate // 2]) / 100) * 100


@pytest.mark.parametrize(("track", "pitch"), [(None, 2000), ("1", 300), ("de", 300), ("en", 2000)])
@pytest.mark.parametrize("start", [0.0, 0.52])  # copied, and encoded
def test_a_clip(two_languages: Path, tmp_path: Path, start: float, track: str | None, pitch: int) -> None:
    cut(two_languages, start, start + 1, tmp_path / "clip.mp4", track)
    assert pitch_of(tmp_path / "clip.mp4") == pitch
    with av.open(str(tmp_path / "clip.mp4")) as clip:
        assert clip.streams.video[0].width == 320


@pytest.mark.parametrize(("track", "pitch"), [(None, 2000), ("de", 300)])
def test_a_part_of_a_film(two_languages: Path, tmp_path: Path, track: str | None, pitch: int) -> None:
    given = {"width": 320, "height": 240, "rate": "25"}
    make_part(two_languages, 0.5, 1.5, tmp_path / "part.mkv", **given, audio_track=track)
    assert pitch_of(tmp_path / "part.mkv") == pitch
