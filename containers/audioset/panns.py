"""PANNs Cnn14: AudioSet's 527 labels for windows of audio at 32 kHz.

Kong et al., PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern Recognition, 2020
(https://arxiv.org/abs/1912.10211); network and labels through panns_inference.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from containers.audioset.contract import Prediction
from containers.common.audio import Waveform, windows

CHECKPOINT, LABELS = "Cnn14_mAP=0.431.pth", "class_labels_indices.csv"
SAMPLE_RATE = 32_000
BATCH = 4  # windows; 10 s each take some 200 MB in the first layers
SILENCE = 1e-4  # peak, -80 dB below full scale


@dataclass(frozen=True)
class Tagger:
    network: Any
    labels: list[str]

    def scores(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (windows, 527) for windows (windows, samples) at 32 kHz."""
        import torch

        with torch.inference_mode():
            return self.network(torch.from_numpy(batch))["clipwise_output"].numpy()


@cache
def load(folder: Path) -> Tagger:
    import torch

    with _home_with(folder / LABELS):
        from panns_inference.config import labels
        from panns_inference.models import Cnn14
    network = Cnn14(
        sample_rate=SAMPLE_RATE,
        window_size=1024,
        hop_size=320,
        mel_bins=64,
        fmin=50,
        fmax=14000,
        classes_num=len(labels),
    )
    checkpoint = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)
    network.load_state_dict(checkpoint["model"])
    return Tagger(network.eval(), labels)


@contextmanager
def _home_with(labels: Path) -> Iterator[None]:
    """A home folder that holds the labels: while it is imported, panns_inference reads them from
    `~/panns_data`, and would try to download them if they were not there."""
    import librosa  # noqa: F401  imported here because it and matplotlib keep caches in the real home
    import matplotlib.pyplot  # noqa: F401

    with tempfile.TemporaryDirectory() as home:
        Path(home, "panns_data").mkdir()
        shutil.copyfile(labels, Path(home, "panns_data", LABELS))
        with patch.dict(os.environ, HOME=home):
            yield


def tag(
    folder: Path,
    blocks: Iterable[Waveform],
    threshold: float,
    top_k: int,
    window: float,
    hop: float,
) -> list[Prediction]:
    """Labels of 32 kHz mono blocks of any size, by start time.

    Each window of `window` seconds, every `hop` seconds, keeps its `top_k` labels that score at least
    `threshold`; windows of one label that touch become one prediction with the highest score. The
    last window is filled up with silence, and windows of silence are not analysed.
    """
    tagger = load(folder)
    size = round(window * SAMPLE_RATE)
    cut = windows(blocks, size, round(hop * SAMPLE_RATE))
    audible = ((start, samples) for start, samples in cut if np.abs(samples).max() > SILENCE)
    merged: list[Prediction] = []
    latest: dict[str, Prediction] = {}
    while batch := list(islice(audible, BATCH)):
        padded = np.stack([np.pad(samples, (0, size - len(samples))) for _, samples in batch])
        for (first, samples), scores in zip(batch, tagger.scores(padded), strict=True):
            start = first / SAMPLE_RATE
            end = start + len(samples) / SAMPLE_RATE
            for index in np.argsort(-scores)[:top_k]:
                label, score = tagger.labels[index], round(float(scores[index]), 4)
                if score < threshold:
                    break
                known = latest.get(label)
                if known and start <= known.end_time:
                    known.score, known.end_time = max(known.score, score), round(end, 3)
                else:
                    latest[label] = Prediction(
                        label=label, score=score, start_time=round(start, 3), end_time=round(end, 3)
                    )
                    merged.append(latest[label])
    return sorted(merged, key=lambda prediction: (prediction.start_time, -prediction.score))
