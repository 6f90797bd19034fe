"""Mouths that move with a recording: lower lips and chins of photographed faces, warped by its loudness.

Synthetic: real lips close for consonants, heads turn and people smile.
"""

from functools import cache
from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, map_coordinates

WIDEST = 0.3  # opening of the loudest moments, in widths of the mouth
RATE = 16_000  # Hz of the packaged sound
Pixels = NDArray[np.uint8]
Point = tuple[float, float]


class Mouth(NamedTuple):
    """Corners of a mouth, the left one of the picture first, and the tip of the chin, in pixels."""

    left: Point
    right: Point
    chin: Point


@cache
def loudness(sound: str, frame_rate: int) -> NDArray[np.float64]:
    """Of a 16 kHz recording, one value a frame of the video, 0 to 1."""
    with av.open(sound) as recording:
        samples = np.concatenate([block.to_ndarray().ravel() for block in recording.decode(audio=0)])
    step = RATE // frame_rate
    blocks = samples[: len(samples) // step * step].reshape(-1, step).astype(float)
    smooth = gaussian_filter1d(np.sqrt((blocks**2).mean(axis=1)), 0.7)
    return np.clip(smooth / np.percentile(smooth, 97), 0, 1)


def open_mouth(
    target: Pixels, source: Pixels, mouth: NDArray[np.float64], opening: float, inside: tuple[int, ...]
) -> None:
    """Moves lower lip and chin of `source` down by `opening` mouth widths, into `target`.

    `target` and `source` are (height, width, channels); `mouth` is (3, 2) as a Mouth has it, `inside` the
    colour of an open one.
    """
    left, right, chin = mouth
    width = float(np.linalg.norm(right - left))
    along = (right - left) / width
    down = np.array([-along[1], along[0]])
    middle = (left + right) / 2
    depth = float((chin - middle) @ down)
    reach = 1.2 * width + 1.5 * depth
    x0, y0 = np.maximum((middle - reach).astype(int), 0)
    x1, y1 = np.minimum((middle + reach).astype(int), [source.shape[1], source.shape[0]])
    x, y = np.meshgrid(np.arange(x0, x1), np.arange(y0, y1))
    offset = np.stack([x, y], axis=-1) - middle
    across, below = offset @ along / (0.55 * width), offset @ down
    drop = opening * width * np.cos(np.pi / 2 * np.clip(across, -1, 1)) ** 2
    drop = np.where(below > 0, drop * np.clip((1.5 * depth - below) / (0.5 * depth), 0, 1), 0)
    moved = np.stack([x, y], axis=-1) - drop[..., None] * down
    for channel in range(source.shape[2]):
        pixels = map_coordinates(
            source[..., channel].astype(float), [moved[..., 1], moved[..., 0]], order=1, mode="nearest"
        )
        pixels = np.where((below > 0) & (below < drop), inside[channel], pixels)
        target[y0:y1, x0:x1, channel] = np.where(drop > 0, pixels, target[y0:y1, x0:x1, channel])
