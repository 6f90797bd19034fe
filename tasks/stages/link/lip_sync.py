"""How well each mouth on screen moves with the sound of a turn.

The opening of every mouth (distance of the inner lips, from landmarks at 12.5 frames per second) is
correlated with the loudness of the sound, as in Chung and Zisserman, "Out of time: automated lip sync in the
wild", 2016, with these two signals in the place of learnt ones.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from containers.common.documents.speakers import Turn
from tasks.stages.link.mouths import Mouth

FEWEST = 8  # samples of a mouth in a turn
LAGS = (-1, 0, 1)  # samples by which sound and picture may be apart
STILL = (
    0.01  # standard deviation of a still mouth's opening, in distances between the eyes: landmarks tremble
)
BLOCK = 0.08  # seconds of sound about each sample


def measure_evidence(
    turn: Turn, mouths: Sequence[Mouth], audio: Path, begins: float = 0.0
) -> dict[int, float]:
    """Track to evidence that its face speaks in the turn, for every track seen long enough in it.

    `mouths` by time; `audio`: mono WAV, from second `begins` of the media on.

    Fisher's z of the correlation between opening and loudness in units of its standard error, for half as
    many independent samples as there are, less the more of the movement may be trembling landmarks.
    """
    seen: dict[int, list[tuple[float, float]]] = defaultdict(list)
    first, last = (bisect_left(mouths, time, key=lambda mouth: mouth.time) for time in (turn.start, turn.end))
    for mouth in mouths[first:last]:
        seen[mouth.track].append((mouth.time, mouth.opening))
    evidence = {}
    for track, samples in seen.items():
        if len(samples) < FEWEST:
            continue
        times, openings = np.array(samples).T
        moved = float(np.std(openings))
        likeness = np.arctanh(min(_best_correlation(openings, read_loudness(audio, times - begins)), 0.99))
        independent = len(samples) / 2
        evidence[track] = float(
            likeness * np.sqrt(max(independent - 3, 1)) * moved**2 / (moved**2 + STILL**2)
        )
    return evidence


def _best_correlation(openings: NDArray[np.float64], loudness: NDArray[np.float64]) -> float:
    """Pearson's, at the lag where it is largest; 0 for what does not change."""
    found = [0.0]
    for lag in LAGS:
        one, other = openings[max(0, lag) :], loudness[max(0, -lag) :]
        count = min(len(one), len(other))
        one, other = one[:count], other[:count]
        if np.ptp(one) > 0 and np.ptp(other) > 0:
            found.append(float(np.corrcoef(one, other)[0, 1]))
    return max(found)


def read_loudness(audio: Path, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean square of 80 ms of sound about each time, of full scale; 0 after the end."""
    loudness = np.zeros(len(times))
    rate, samples = wavfile.read(audio, mmap=True)
    full = np.iinfo(samples.dtype).max if samples.dtype.kind == "i" else 1.0
    for number, time in enumerate(times):
        first = max(0, round((time - BLOCK / 4) * rate))
        block = samples[first : first + round(BLOCK * rate)]
        if len(block):
            loudness[number] = np.sqrt(np.mean(np.square(block, dtype=np.float64))) / full
    return loudness
