"""Where a video's picture changes from one shot to the next.

A cut is a change that is large, and large against the changes just before it: the rule of PySceneDetect's
AdaptiveDetector (https://www.scenedetect.com/docs/latest/api/detectors.html), on brightness, backwards only.
"""

from collections import deque
from functools import cache
from typing import Any, cast

import av
import numpy as np
from numpy.typing import NDArray

from tasks.media.convert import convert

SIZE = (64, 36)  # pixels; large enough to tell shots apart, small enough that motion within one is slight
# Formats whose first plane is brightness in 8 bits: points of it say what libswscale would (FAST_BILINEAR),
# in a tenth of the time.
PLANAR = frozenset(
    f"{range_}{chroma}"
    for range_ in ("yuv", "yuvj")
    for chroma in ("410p", "411p", "420p", "422p", "440p", "444p")
) | {"gray", "nv12"}
FULL_RANGE = 2  # AVColorRange; brightness is 16 to 235 otherwise
LEAST = 10.0  # mean change of brightness, of 255
RATIO = 3.0  # times the mean change of the frames before
MEMORY = 12  # frames that mean is taken over
SHORTEST = 0.4  # seconds; a flash or a strobe does not make a shot each time


class CutDetector:
    """Is given every decoded frame in turn."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._changes: deque[float] = deque(maxlen=MEMORY)
        self._start = 0.0

    def is_cut(self, frame: av.VideoFrame, seconds: float) -> bool:
        """Whether a shot starts with this frame; the very first frame starts one."""
        small = _small(frame)
        before, self._before = self._before, small
        if before is None:
            return True
        change = float(np.abs(small - before).mean())
        usual = float(np.mean(self._changes)) if self._changes else 0.0
        self._changes.append(change)
        if change < LEAST or change < RATIO * usual or seconds - self._start < SHORTEST:
            return False
        self._changes.clear()
        self._start = seconds
        return True


def _small(frame: av.VideoFrame) -> NDArray[np.float64]:
    """Brightness, 0 to 255, of SIZE points."""
    name, plane = frame.format.name, frame.planes[0]
    if name not in PLANAR or plane.line_size < frame.width:
        return convert(frame, "gray", *SIZE, "FAST_BILINEAR").to_ndarray().astype(float)
    luma = np.frombuffer(cast(Any, plane), np.uint8).reshape(-1, plane.line_size)
    columns, rows = (_middles(*each) for each in zip(SIZE, (frame.width, frame.height), strict=True))
    points = luma[rows[:, None], columns].astype(float)
    full = name == "gray" or name.startswith("yuvj") or int(frame.color_range or 0) == FULL_RANGE
    return points if full else (points - 16) * (255 / 219)


@cache
def _middles(count: int, size: int) -> NDArray[np.intp]:
    """Of `count` equal parts of `size` pixels."""
    return (np.arange(count) * size + size // 2) // count
