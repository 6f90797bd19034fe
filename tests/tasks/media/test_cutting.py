"""Clips and parts of a film are of what was analysed: the right streams, seconds and side up."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tasks.media.cutting import cut
from tasks.media.moment import picture_at
from tasks.media.pictures import Shown
from tasks.media.reader import Reader
from tasks.media.reel import make_part
from tests.tasks.media.odd_files import HEIGHT, RATE, WIDTH, Made, video
from tests.tasks.media.test_part import film
from tests.tasks.media.test_pictures import combing, pan

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


def pictures_of(path: Path) -> list[Shown]:
    with Reader(path) as reader:
        return [each for each in reader.read(sound=False) if isinstance(each, Shown)]


@pytest.mark.parametrize("start", [0.0, 0.72])  # copied, and encoded
def test_a_clip_of_a_phone_is_upright(tmp_path: Path, start: float) -> None:
    """A quarter turn that players make: right in the clip, whether it is told or already made."""
    path = video(tmp_path / "phone.mp4", "mpeg4", rotation=90)
    assert cut(path, start, start + 1, tmp_path / "clip.mp4")["encoded"] == bool(start)
    wanted, found = (pictures_of(each)[3].picture() for each in (path, tmp_path / "clip.mp4"))
    assert found.size == wanted.size == (HEIGHT, WIDTH)
    assert np.abs(np.asarray(found, float) - np.asarray(wanted, float)).mean() < 12


@pytest.mark.parametrize(("aspect", "size"), [("2", (2 * WIDTH, HEIGHT)), ("30000", (WIDTH, HEIGHT))])
def test_a_clip_has_square_pixels(tmp_path: Path, aspect: str, size: tuple[int, int]) -> None:
    path = video(tmp_path / "wide.mkv", "libx264", aspect=aspect)
    cut(path, 0.52, 1.5, tmp_path / "clip.mp4")
    assert {each.picture().size for each in pictures_of(tmp_path / "clip.mp4")} == {size}


def test_a_clip_of_interlaced_video_is_not_combed(tmp_path: Path) -> None:
    cut(pan(tmp_path / "i.mpg", True), 0.2, 0.8, tmp_path / "clip.mp4")
    cut(pan(tmp_path / "p.mpg", False), 0.2, 0.8, tmp_path / "smooth.mp4")
    found, wanted = (pictures_of(tmp_path / name)[5].frame for name in ("clip.mp4", "smooth.mp4"))
    assert not found.interlaced_frame
    assert combing(found.to_image()) < combing(wanted.to_image()) + 1.5


@pytest.mark.parametrize(("suffix", "codec"), [("ts", "libx264"), ("mpg", "mpeg2video"), ("h264", "libx264")])
def test_seconds_of_a_clip_are_those_of_an_analysis(tmp_path: Path, suffix: str, codec: str) -> None:
    """Two recordings joined: second 14 of the whole is second 2 of the second one. A .h264 has no times."""
    path = film(tmp_path / f"a.{suffix}", codec, "" if suffix == "h264" else "mp2")
    path.write_bytes(path.read_bytes() * 2)
    assert cut(path, 14.0, 16.0, tmp_path / "clip.mp4")["seconds"] == pytest.approx(2, abs=0.11)
    make_part(path, 14.0, 16.0, tmp_path / "part.mkv", width=WIDTH, height=HEIGHT, rate="10")
    for name in ("clip.mp4", "part.mkv"):
        seen = pictures_of(tmp_path / name)
        assert [brightness(seen[number].picture()) for number in (5, 15)] == [2, 3]
    assert brightness(picture_at(path, 14.5)) == 2


def brightness(picture: Image.Image) -> int:
    """The second that the picture is of."""
    return round((np.asarray(picture.convert("L")).mean() - 16) / 20 - 0.01)
