"""A frame as people see it."""

import gc
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
import psutil
import pytest
from PIL import Image

from containers.common.errors import MediaError
from tasks.media.fields import Deinterlacer
from tasks.media.hdr import PQ, to_standard
from tasks.media.moment import picture_at
from tasks.media.pictures import Shown, pixel_aspect, turn_upright
from tasks.media.probe import probe
from tasks.media.reader import Reader
from tasks.media.sampler import FrameSampler
from tasks.media.stills import open_stills
from tests.tasks.media import odd_files as odd

WIDTH, HEIGHT, STEP = 160, 96, 4  # pixels; STEP: how far the bar moves from field to field


def bar(at: int) -> np.ndarray:
    picture = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    picture[:, at % WIDTH : at % WIDTH + 24] = 220
    return picture


def pan(path: Path, interlaced: bool) -> Path:
    """A bar that moves to the right; interlaced, each frame's lower field is half a frame later."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 4_000_000
        if interlaced:
            stream.codec_context.options = {"flags": "+ildct+ilme", "top": "1"}
        for number in range(25):
            picture = bar(2 * STEP * number)
            if interlaced:
                picture[1::2] = bar(2 * STEP * number + STEP)[1::2]
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def combing(picture: Image.Image) -> float:
    """How much neighbouring rows differ, of 255."""
    rows = np.asarray(picture.convert("L")).astype(float)
    return float(np.abs(np.diff(rows, axis=0)).mean())


def test_interlaced_pictures_are_not_combed(tmp_path: Path) -> None:
    interlaced, progressive = pan(tmp_path / "i.mpg", True), pan(tmp_path / "p.mpg", False)
    with Reader(interlaced) as reader:
        woven = [each.frame for each in reader.read(sound=False)]
        assert woven[10].interlaced_frame
        assert combing(woven[10].to_image()) > 5
    for second in (0.2, 0.4, 0.6):
        seen = combing(picture_at(interlaced, second))
        assert seen < combing(picture_at(progressive, second)) + 1.5


def test_a_progressive_frame_is_left_as_it_is() -> None:
    frame = av.VideoFrame.from_ndarray(bar(8), "rgb24").reformat(format="yuv420p")
    found = Deinterlacer().progressive(frame, None, None)
    assert np.array_equal(found.to_ndarray(), frame.to_ndarray())


@pytest.mark.parametrize(
    ("nits", "shown"),
    [
        (0.01, (0, 12)),
        (26, (90, 125)),
        (100, (160, 200)),
        (203, (205, 250)),
        (1000, (250, 255)),
        (4000, (250, 255)),
    ],
)
def test_hdr_is_tone_mapped(nits: float, shown: tuple[int, int]) -> None:
    """Diffuse white (203 cd/m2) is nearly white; highlights are not cut off below it."""
    power = (nits / 10_000) ** (2610 / 16384)
    code = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    frame = av.VideoFrame.from_ndarray(np.full((16, 16, 3), round(code * 65535), np.uint16), "rgb48le")
    frame.color_trc, frame.color_primaries = PQ, 9
    red, green, blue = to_standard(frame, 16, 16).getpixel((8, 8))
    assert shown[0] <= red <= shown[1]
    assert max(red, green, blue) - min(red, green, blue) <= 2


@pytest.mark.parametrize(
    ("told", "believed"),
    [("1", 1), ("64/45", 64 / 45), ("2", 2), ("1/2", 0.5), ("65535", None), ("1/65535", None), ("0", None)],
)
def test_pixels_that_cannot_be(told: str, believed: float | None) -> None:
    found = pixel_aspect(Fraction(told))
    assert (found and float(found)) == believed


@pytest.mark.parametrize(
    ("matrix", "transposed"),
    [
        ((1, 0, 0, 1), None),
        ((-1, 0, 0, 1), Image.Transpose.FLIP_LEFT_RIGHT),
        ((1, 0, 0, -1), Image.Transpose.FLIP_TOP_BOTTOM),
        ((-1, 0, 0, -1), Image.Transpose.ROTATE_180),
        ((0, 1, -1, 0), Image.Transpose.ROTATE_270),
        ((0, -1, 1, 0), Image.Transpose.ROTATE_90),
        ((0, 1, 1, 0), Image.Transpose.TRANSPOSE),
        ((0, -1, -1, 0), Image.Transpose.TRANSVERSE),
    ],
)
def test_display_matrices(matrix: tuple[float, ...], transposed: Image.Transpose | None) -> None:
    """(a, b, c, d) moves the pixel at (x, y) to (ax + cy, bx + dy)."""
    picture = odd.quarters()
    wanted = picture if transposed is None else picture.transpose(transposed)
    assert np.array_equal(np.asarray(turn_upright(picture, matrix)), np.asarray(wanted))


def test_sixteen_bit_grey_is_grey(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((8, 8), 100 * 257, np.uint16)).save(path)
    stills = open_stills(path)
    assert stills is not None
    with stills:
        assert stills.first.getpixel((4, 4)) == (100, 100, 100)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "mpg", "avi", "h264", "webm", "flv"])
def test_the_second_that_is_asked_for_is_found(suffix: str, tmp_path: Path) -> None:
    """The picture is black until 1.4 s, then white, and asked for before and after."""
    codec = odd.VIDEO[suffix][0]
    made = odd.Made(tmp_path / f"a.{suffix}")
    made.picture(codec, changes_at=14)
    path = made.write()
    assert np.asarray(picture_at(path, 1.3)).mean() < 60
    assert np.asarray(picture_at(path, 1.55)).mean() > 200
    with pytest.raises(MediaError, match=r"has no picture at second 99\.$"):
        picture_at(path, 99)


@pytest.mark.parametrize(("aspect", "width"), [("2", 128), ("1/2", 32), ("30000", 64), ("64/45", 91)])
def test_it_has_square_pixels(aspect: str, width: int, tmp_path: Path) -> None:
    path = odd.video(tmp_path / "a.mkv", "libx264", aspect=aspect)
    assert picture_at(path, 1.0).size == (width, odd.HEIGHT)


@pytest.mark.parametrize(("curve", "code"), [("smpte2084", 0.58), ("arib-std-b67", 0.75)])
def test_white_of_an_hdr_film_is_nearly_white(curve: str, code: float, tmp_path: Path) -> None:
    """Diffuse white (BT.2408-7: 58 % of PQ, 75 % of HLG), in 10 bits and BT.2020."""
    parameters = f"transfer={curve}:colorprim=bt2020:colormatrix=bt2020nc:log=-1"
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=5, width=64, height=48, pix_fmt="yuv420p10le")
        stream.codec_context.options = {"preset": "ultrafast", "x264-params": parameters}
        level = np.full((48, 64, 3), round(code * 65535), np.uint16)
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(level, "rgb48le")))
        container.mux(stream.encode(None))
    assert probe(tmp_path / "a.mkv").high_dynamic_range
    shown = np.asarray(picture_at(tmp_path / "a.mkv", 0.5)).astype(int)
    assert 205 <= shown.mean() <= 250 and np.ptp(shown) <= 4


def test_a_picture_leaves_nothing_in_memory(tmp_path: Path) -> None:
    """Neither threads of libswscale nor the frame: in a long film they would be more than it may use."""
    pan(tmp_path / "p.mpg", False)
    process = psutil.Process()
    gc.collect()
    gc.disable()
    try:
        with Reader(tmp_path / "p.mpg") as reader:
            shown = [each for each in reader.read(sound=False) if isinstance(each, Shown)]
            before = process.num_threads()
            pictures = [each.picture() for each in shown]
            assert process.num_threads() == before
            assert np.array_equal(pictures[3], shown[3].frame.to_ndarray(format="rgb24"))
            shown.clear()
        # One is the decoder's own, for what comes next.
        assert sum(isinstance(each, av.VideoFrame) for each in gc.get_objects()) <= 1
    finally:
        gc.enable()


def test_memory_that_ends_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pan(tmp_path / "p.mpg", False)

    def nothing_left(*_: object) -> None:
        raise av.error.MemoryError(12, "Cannot allocate memory")

    monkeypatch.setattr("tasks.media.pictures.convert", nothing_left)
    with Reader(tmp_path / "p.mpg") as reader:
        sampler = FrameSampler(tmp_path, 1.0)
        with pytest.raises(MemoryError):
            for each in reader.read(sound=False):
                assert isinstance(each, Shown)
                sampler.offer(each)
    assert sampler.damaged == 0
