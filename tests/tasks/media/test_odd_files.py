"""Any file that people own: decoded right, or refused with one sentence."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from containers.common.errors import MediaError
from tasks.media.decoded import Decoded
from tasks.media.decoding import decode_media
from tests.tasks.media import odd_files as odd
from tests.tasks.media.odd_cases import Out, all_cases

pytestmark = pytest.mark.slow
CASES = all_cases()
EVERY = 30  # frames per second: every picture is kept


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 200


@pytest.mark.parametrize("name", CASES)
def test_what_comes_out(name: str, tmp_path: Path) -> None:
    make, out = CASES[name]
    path = make(tmp_path)
    if out.sentence:
        with pytest.raises(MediaError) as refused:
            decode_media(path, tmp_path / "out", EVERY, audio_track=out.track)
        said = str(refused.value)
        assert out.sentence in said and said.endswith(".") and "\n" not in said
        return
    decoded = decode_media(path, tmp_path / "out", EVERY, audio_track=out.track)
    check(decoded, out)


def check(decoded: Decoded, out: Out) -> None:
    times = [frame.time for frame in decoded.frames]
    assert times == sorted(set(times))
    if out.duration is not None:
        assert decoded.duration == pytest.approx(out.duration, abs=0.101)
    if out.frames is not None:
        assert len(times) == out.frames
    if out.size and decoded.frames:
        with Image.open(decoded.frames[-1].image.removeprefix("file://")) as picture:
            assert picture.size == out.size
            if out.upright:
                assert_upright(picture if out.turned is None else picture.transpose(out.turned))
    if out.hertz:
        rate, samples = wavfile.read((decoded.audio_16k or "").removeprefix("file://"))
        heard = samples[:rate]
        loudest = np.argmax(np.abs(np.fft.rfft(heard))) * rate / len(heard)
        assert loudest == pytest.approx(out.hertz, abs=3)
        assert np.sqrt(np.mean(np.square(samples))) > out.level
    said = " ".join(decoded.notes)
    assert (out.note or "") in said
    others = [note for note in decoded.notes if not (out.shorter and note.startswith("The container tells"))]
    assert out.note or not others


def assert_upright(picture: Image.Image) -> None:
    width, height = picture.size
    for number, wanted in enumerate(odd.QUARTERS):
        place = (width * (1 + 2 * (number % 2)) // 4, height * (1 + 2 * (number // 2)) // 4)
        found = picture.convert("RGB").getpixel(place)
        assert isinstance(found, tuple)
        assert np.abs(np.subtract(found, wanted)).max() < 60, (number, found)
