"""Where a video's picture changes from one shot to the next.

A cut is a change that is large, and large against the changes just before it: the rule of PySceneDetect's
AdaptiveDetector (https://www.scenedetect.com/docs/latest/api/detectors.html), on brightness, backwards only.
"""

from collections import deque

import av
import numpy as np

SIZE = (64, 36)  # pixels; large enough to tell shots apart, small enough that motion within one is slight
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
        small = frame.reformat(*SIZE, format="gray", interpolation="FAST_BILINEAR").to_ndarray().astype(float)
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
