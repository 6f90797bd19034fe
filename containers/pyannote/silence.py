"""Where a window is silent.

The segmentation network bridges pauses, and hears on for a moment when nobody talks any more; in a recording
so clean that a pause is silence, the sound itself says where speech ends.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_opening

from containers.common.media.audio import Waveform

SAMPLE_RATE = 16_000
FRAME = 160  # samples of a loudness: 10 ms
# dB below the loud moments of the same window (their 95th percentile): quieter than breath or a room. On the
# packaged call, which people have annotated, 40 lowers DER from 0.055 to 0.053; 30 and less cut into speech.
SILENCE = 40.0
SHORTEST = 0.3  # seconds: shorter pauses are part of a turn


def silent_frames(waveform: Waveform, windows: tuple[int, int], duration: float, step: float) -> NDArray:
    """Whether nothing is heard in each frame of each window, shape `windows`: (windows, frames).

    `waveform` is 16 kHz mono, shape (samples,); windows last `duration` and begin every `step` seconds. What
    lies behind the end is silence. A window is judged by itself, so pieces of a recording give the same.
    """
    count, frames = windows
    length, hop = (round(seconds * SAMPLE_RATE) // FRAME for seconds in (duration, step))
    samples = np.zeros(((count - 1) * hop + length) * FRAME, np.float32)
    samples[: len(waveform)] = waveform[: len(samples)]
    power = np.square(samples.reshape(-1, FRAME)).mean(axis=1)
    loudness = 10 * np.log10(power + 1e-12)
    heard = np.lib.stride_tricks.sliding_window_view(loudness, length)[::hop]
    quiet = heard < np.percentile(heard, 95, axis=1, keepdims=True) - SILENCE
    # A pause may go on beyond the window.
    shortest = round(SHORTEST * SAMPLE_RATE) // FRAME
    padded = np.pad(quiet, ((0, 0), (shortest, shortest)), constant_values=True)
    pauses = binary_opening(padded, np.ones((1, shortest)))[:, shortest:-shortest]
    return pauses[:, ((np.arange(frames) + 0.5) * length / frames).astype(int)]
