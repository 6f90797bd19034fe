"""Where one shot ends and the next begins."""

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tasks.media import cuts
from tasks.media.cuts import CutDetector


def picture(seed: int, width: int = 320, height: int = 180) -> NDArray[np.uint8]:
    """Soft patches of light."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def shots(*pictures: NDArray[np.uint8], kind: str) -> list[int]:
    """Places at which one starts, at 10 pictures a second."""
    detector = CutDetector()
    frames = (av.VideoFrame.from_ndarray(each, "rgb24").reformat(format=kind) for each in pictures)
    return [number for number, frame in enumerate(frames) if detector.is_cut(frame, number / 10)]


@pytest.mark.parametrize("kind", ["yuv420p", "yuvj420p", "nv12", "gray", "yuv420p10le", "rgb24"])
def test_another_picture_is_another_shot_in_every_format(kind: str) -> None:
    first, second = picture(1), picture(2)
    moving = [np.roll(second, 2 * step, axis=1) for step in range(12)]
    assert shots(*[first] * 8, *moving, *[first] * 3, kind=kind) == [0, 8, 20]


@pytest.mark.parametrize("kind", ["yuv420p", "yuvj422p", "nv12", "gray"])
@pytest.mark.parametrize("size", [(320, 180), (722, 578), (48, 30)])
def test_points_are_as_bright_as_libswscale_makes_them(kind: str, size: tuple[int, int]) -> None:
    frame = av.VideoFrame.from_ndarray(picture(3, *size), "rgb24").reformat(format=kind)
    found = cuts._small(frame)
    wanted = frame.reformat(*cuts.SIZE, format="gray", interpolation="FAST_BILINEAR").to_ndarray()
    assert found.mean() == pytest.approx(wanted.mean(), abs=2)
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.95
