"""High dynamic range as the standard range that the models were trained on.

Curves and constants: ITU-R BT.2100-2 (PQ, HLG), BT.2087-0 (primaries), BT.2408-7 (diffuse white at
203 cd/m2), BT.2390-11 section 5.4 (the tone curve: unchanged up to a knee, a Hermite spline above it).
"""

from functools import cache

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.media.convert import convert

PQ, HLG = 16, 18  # AVColorTransferCharacteristic
BT2020 = 9  # AVColorPrimaries
WHITE = 203.0  # cd/m2 of what standard range shows as white
PEAK = 1000.0  # cd/m2 that highlights are taken to reach
TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)  # BT.2020
STEPS = 4096  # of the tables


def is_hdr(frame: av.VideoFrame) -> bool:
    return int(frame.color_trc or 0) in (PQ, HLG)


def to_standard(frame: av.VideoFrame, width: int, height: int) -> Image.Image:
    """A PQ or HLG frame of any format, in RGB for BT.709 screens, `width` x `height` pixels."""
    codes = convert(frame, "rgb48le", width, height).to_ndarray().astype(np.float32) / 65535
    light = _linear(int(frame.color_trc))[(codes * (STEPS - 1)).astype(np.intp)]  # cd/m2
    if int(frame.color_trc) == HLG:
        luma = light @ LUMA
        light *= ((luma / PEAK) ** 0.2)[..., None]  # the system's gamma of 1.2
    most = light.max(axis=2)
    light *= (_shown(most) / np.maximum(most, 1e-6))[..., None]
    if int(frame.color_primaries or 0) == BT2020:
        light = light @ TO_709.T
    level = np.clip(light / WHITE, 0, 1)
    coded = np.where(level <= 0.0031308, 12.92 * level, 1.055 * level ** (1 / 2.4) - 0.055)
    return Image.fromarray((coded * 255 + 0.5).astype(np.uint8))


@cache
def _linear(transfer: int) -> NDArray[np.float32]:
    """cd/m2 by code: of the screen for PQ, of the scene times PEAK for HLG."""
    codes = np.linspace(0, 1, STEPS)
    if transfer == PQ:
        return _from_pq(codes).astype(np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(codes <= 0.5, codes**2 / 3, (np.exp((codes - c) / a) + b) / 12)
    return (PEAK * scene).astype(np.float32)


def _shown(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """cd/m2 up to PEAK onto cd/m2 up to WHITE."""
    table = _tone_curve()
    place = np.clip(np.sqrt(np.minimum(light, PEAK) / PEAK) * (STEPS - 1), 0, STEPS - 1)
    return np.interp(place, np.arange(STEPS), table).astype(np.float32)


@cache
def _tone_curve() -> NDArray[np.float64]:
    light = PEAK * np.linspace(0, 1, STEPS) ** 2
    top, limit = _to_pq(np.array([PEAK, WHITE]))
    code, white = _to_pq(light) / top, limit / top
    knee = 1.5 * white - 0.5
    t = np.clip((code - knee) / (1 - knee), 0, 1)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * white
    )
    return _from_pq(np.where(code < knee, code, spline) * top)


M1, M2, C1, C2, C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128


def _from_pq(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    root = np.maximum(codes, 0) ** (1 / M2)
    return 10_000 * (np.maximum(root - C1, 0) / (C2 - C3 * root)) ** (1 / M1)


def _to_pq(light: NDArray[np.float64]) -> NDArray[np.float64]:
    power = (light / 10_000) ** M1
    return ((C1 + C2 * power) / (1 + C3 * power)) ** M2
