"""CED: AudioSet's 527 labels for whole windows of sound at 16 kHz; its tiny network is a fifteenth of Cnn14.

Dinkel et al., CED: Consistent Ensemble Distillation for Audio Tagging, 2023
(https://arxiv.org/abs/2308.11957), in the form that sherpa-onnx publishes and runs (https://k2-fsa.github.io/sherpa/onnx/audio-tagging).
"""

import csv
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from containers.audioset.contract import TagRequest
from containers.audioset.windows import Scores, Window, audible, label_windows
from containers.common.documents.sounds import Prediction
from containers.common.media.audio import Waveform

NETWORK, LABELS = "model.onnx", "class_labels_indices.csv"
SAMPLE_RATE = 16_000
SHORTEST = SAMPLE_RATE // 2  # its patches are 16 frames of 10 ms long: less sound is filled up with silence


@dataclass(frozen=True)
class Tagger:
    network: Any
    labels: list[str]

    def scores(self, samples: Waveform) -> Scores:
        """Of every label (527,) for one window of 16 kHz mono."""
        stream = self.network.create_stream()
        stream.accept_waveform(SAMPLE_RATE, np.pad(samples, (0, max(0, SHORTEST - len(samples)))))
        scores = np.zeros(len(self.labels), np.float32)
        for event in self.network.compute(stream, len(self.labels)):
            scores[event.index] = event.prob
        return scores


@cache
def load(folder: Path) -> Tagger:
    import sherpa_onnx

    with (folder / LABELS).open(encoding="utf-8", newline="") as stream:
        labels = [row["display_name"] for row in csv.DictReader(stream)]
    threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)  # one, where nobody says how many
    model = sherpa_onnx.AudioTaggingModelConfig(ced=str(folder / NETWORK), num_threads=threads)
    config = sherpa_onnx.AudioTaggingConfig(model=model, labels=str(folder / LABELS))
    return Tagger(sherpa_onnx.AudioTagging(config), labels)


def tag(
    tagger: Tagger, blocks: Iterable[Waveform], request: TagRequest, least: dict[str, float]
) -> list[Prediction]:
    """Labels of 16 kHz mono blocks of any size, as `label_windows` puts them together."""

    def scored() -> Iterator[tuple[Window, Scores]]:
        for window in audible(blocks, request, SAMPLE_RATE):
            yield window, tagger.scores(window.samples)

    return label_windows(tagger.labels, scored(), request.top_k, least)
