"""A recording window by window, and what the windows' labels make together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from containers.audioset.contract import TagRequest
from containers.common.documents.sounds import Prediction
from containers.common.media.audio import Waveform, windows

SILENCE = 1e-4  # peak, -80 dB below full scale

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Window:
    start: float  # seconds
    end: float
    is_last: bool
    samples: Waveform


def audible(blocks: Iterable[Waveform], request: TagRequest, rate: int) -> Iterator[Window]:
    """Windows of `window` seconds, every `hop` seconds, of mono blocks of any size; not those of silence."""
    cut = windows(blocks, round(request.window * rate), round(request.hop * rate))
    for (first, samples), following in pairwise(chain(cut, [(-1, np.zeros(0, np.float32))])):
        if np.abs(samples).max() > SILENCE:
            start = first / rate
            yield Window(start, start + len(samples) / rate, following[0] < 0, samples)


def label_windows(
    labels: Sequence[str], scored: Iterable[tuple[Window, Scores]], top_k: int, least: dict[str, float]
) -> list[Prediction]:
    """Each window keeps its `top_k` best of `labels` that score at least what `least` asks; windows of one
    label that touch become one prediction with the highest score. Scores have the shape (labels,)."""
    asked = np.array([least[label] for label in labels])
    merged = Merged()
    for window, scores in scored:
        good = np.flatnonzero(scores >= asked)
        for index in good[np.argsort(-scores[good])][:top_k]:
            merged.add(labels[int(index)], float(scores[index]), window.start, window.end)
    return merged.predictions


class Merged:
    """Predictions in the order of their start, those of one label that touch as one."""

    def __init__(self) -> None:
        self.predictions: list[Prediction] = []
        self._latest: dict[str, Prediction] = {}

    def add(self, label: str, score: float, start: float, end: float) -> None:
        score, start, end = round(score, 4), round(start, 3), round(end, 3)
        known = self._latest.get(label)
        if known and start <= known.end_time:
            known.score, known.end_time = max(known.score, score), end
            return
        self._latest[label] = Prediction(label=label, score=score, start_time=start, end_time=end)
        self.predictions.append(self._latest[label])
