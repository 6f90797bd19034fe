"""PANNs: AudioSet's 527 labels for sound at 32 kHz, for whole windows (Cnn14) or for frames of 10 ms.

Kong et al., PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern Recognition, 2020
(https://arxiv.org/abs/1912.10211); networks and labels through panns_inference.
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

from containers.audioset.contract import TagRequest
from containers.audioset.windows import Merged, Scores, Window, audible, label_windows
from containers.common.documents.sounds import Prediction
from containers.common.media.audio import Waveform
from containers.common.models.checkpoints import NUMPY, load_checkpoint

CHECKPOINT, LABELS = "Cnn14_mAP=0.431.pth", "class_labels_indices.csv"
EVENTS_CHECKPOINT = "Cnn14_DecisionLevelMax_mAP=0.385.pth"
SAMPLE_RATE = 32_000
FRAME = 320
FRAME_RATE = SAMPLE_RATE // FRAME
BATCH = 4  # windows; 10 s each take some 200 MB in the first layers


@dataclass(frozen=True)
class Tagger:
    network: Any
    labels: list[str]

    def outputs(self, batch: NDArray[np.float32]) -> dict[str, Scores]:
        """For windows (windows, samples) at 32 kHz: `clipwise_output` (windows, 527), and by Cnn14
        `embedding` (windows, 2048), by Cnn14_DecisionLevelMax `framewise_output` (windows, frames, 527)."""
        import torch

        with torch.inference_mode():
            return {name: value.numpy() for name, value in self.network(torch.from_numpy(batch)).items()}


@cache
def load(folder: Path) -> Tagger:
    """Cnn14 or Cnn14_DecisionLevelMax, whichever lies in `folder`."""
    with _home_with(folder / LABELS):
        from panns_inference.config import labels
        from panns_inference.models import Cnn14, Cnn14_DecisionLevelMax
    framewise = (folder / EVENTS_CHECKPOINT).exists()
    network = (Cnn14_DecisionLevelMax if framewise else Cnn14)(
        sample_rate=SAMPLE_RATE,
        window_size=1024,
        hop_size=FRAME,
        mel_bins=64,
        fmin=50,
        fmax=14000,
        classes_num=len(labels),
    )
    path = folder / (EVENTS_CHECKPOINT if framewise else CHECKPOINT)
    checkpoint = load_checkpoint(path, NUMPY)  # beside the weights it holds its trainer's sampler
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
    tagger: Tagger, blocks: Iterable[Waveform], request: TagRequest, least: dict[str, float]
) -> tuple[list[Prediction], list[tuple[Window, Scores]]]:
    """Labels of 32 kHz mono blocks of any size, and each window's embedding; as `label_windows` puts them."""
    vectors: list[tuple[Window, Scores]] = []

    def scored() -> Iterator[tuple[Window, Scores]]:
        for window, found in _analysed(tagger, blocks, request):
            vectors.append((window, found["embedding"]))
            yield window, found["clipwise_output"]

    return label_windows(tagger.labels, scored(), request.top_k, least), vectors


def find_events(
    tagger: Tagger, blocks: Iterable[Waveform], request: TagRequest, least: dict[str, float]
) -> list[Prediction]:
    """Stretches of 32 kHz mono blocks in which every frame scores at least what `least` asks.

    Frames are 10 ms, though the network decides anew every 320 ms only. Overlapping windows are cut in
    the middle of the overlap. An event's score is that of its highest frame.
    """
    asked = np.array([least[label] for label in tagger.labels])
    margin = round((request.window - request.hop) / 2 * FRAME_RATE)
    merged = Merged()
    for window, found in _analysed(tagger, blocks, request):
        frames = found["framewise_output"]
        lower = margin if window.start else 0
        length = round((window.end - window.start) * FRAME_RATE)
        upper = length if window.is_last else length - margin
        active = frames[lower:upper] >= asked
        for index in np.flatnonzero(active.any(axis=0)):
            edges = np.flatnonzero(np.diff(active[:, index], prepend=False, append=False)) + lower
            for first, last in edges.reshape(-1, 2):
                start, end = window.start + first / FRAME_RATE, window.start + last / FRAME_RATE
                merged.add(tagger.labels[index], float(frames[first:last, index].max()), start, end)
    return merged.predictions


def _analysed(
    tagger: Tagger, blocks: Iterable[Waveform], request: TagRequest
) -> Iterator[tuple[Window, dict[str, Scores]]]:
    """Every audible window with its outputs."""
    size = round(request.window * SAMPLE_RATE)
    audible_blocks = audible(blocks, request, SAMPLE_RATE)
    while batch := list(islice(audible_blocks, BATCH)):
        padded = [np.pad(window.samples, (0, size - len(window.samples))) for window in batch]
        outputs = tagger.outputs(np.stack(padded))
        for number, window in enumerate(batch):
            yield window, {name: output[number] for name, output in outputs.items()}
