"""A spectrogram of decoded sound, for people: the same effort for a minute and for a day."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.interpolate import interp1d
from scipy.io import wavfile
from scipy.signal.windows import hann

WINDOW = 1024  # samples: 64 ms at 16 kHz
COLUMNS, EACH = 900, 4  # pictures' width; windows looked at for each column
HEIGHT = 240
RANGE_DB = 70
# Dark to light in steps of equal brightness; close to matplotlib's magma.
SHADES = [(0, 0, 4), (59, 15, 112), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191)]


def spectrogram(audio: Path) -> bytes | None:
    """PNG of a mono WAV: time to the right, 0 Hz to half the rate upwards, power in decibels below
    the loudest. None when it is shorter than a window or silent."""
    _, samples = wavfile.read(audio, mmap=True)
    if len(samples) < WINDOW:
        return None
    columns = min(COLUMNS, len(samples) // WINDOW * EACH)
    starts = np.linspace(0, len(samples) - WINDOW, columns * EACH).astype(int)
    taper = hann(WINDOW).astype(np.float32)
    power = np.stack([np.abs(np.fft.rfft(samples[at : at + WINDOW] * taper)) ** 2 for at in starts])
    power = power[:, :-1].reshape(columns, EACH, -1).mean(axis=1)
    if power.max() <= 0:
        return None
    level = np.clip(10 * np.log10(np.maximum(power / power.max(), 1e-20)) / RANGE_DB + 1, 0, 1)
    colours = interp1d(np.linspace(0, 1, len(SHADES)), np.array(SHADES), axis=0)(level.T[::-1])
    out = io.BytesIO()
    Image.fromarray(colours.astype(np.uint8)).resize((COLUMNS, HEIGHT)).save(out, "PNG", optimize=True)
    return out.getvalue()
