"""Loudness matched as it comes: what `survey` does for a file, for sound whose future nobody knows."""

import numpy as np

from containers.common.media.audio import Waveform
from containers.deepfilternet.sound import LEVEL

FRAME_RATE = 100
RISE = 0.3  # share of the way to a louder frame's level that one frame makes up: four frames for most of it
FALL = 10 ** (-1 / 20 / FRAME_RATE)  # 1 dB a second, so that pauses do not raise the noise
MOST_GAIN = 10 ** (40 / 20)
SILENCE = 1e-5  # RMS: such frames tell nothing


class Level:
    """The gain that brings the loud parts of what was heard so far to LEVEL."""

    def __init__(self) -> None:
        self._level = 0.0
        self._gain = 1.0

    def ramp(self, frame: Waveform) -> Waveform:
        """A gain for each sample of the next 10 ms, going on from where the last frame's ended."""
        before = self._gain
        loudness = float(np.sqrt(np.mean(np.square(frame))))
        if loudness > SILENCE:
            if not self._level:
                self._level = loudness
            rising = self._level + RISE * (loudness - self._level)
            self._level = rising if loudness > self._level else max(loudness, self._level * FALL)
            self._gain = min(LEVEL / self._level, MOST_GAIN)
        return np.linspace(before, self._gain, len(frame), dtype=np.float32)
