"""pyannote.audio's speaker diarization with weights of the model store, offline."""

import logging
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from containers.common.audio import Waveform
from containers.common.contract import Span
from containers.pyannote.contract import Diarization, DiarizeRequest, Speaker, Turn

SAMPLE_RATE = 16_000
SHORTEST = 5 * SAMPLE_RATE  # the segmentation's window; shorter recordings are followed by silence
# Cosine distance under average linkage, and how many 5 s windows a speaker must be heard in. Chosen on 64
# recordings (one to five synthetic speakers, and variations of real telephone speech): 52 speaker counts were
# right and none was off by more than two; smaller thresholds find too many, larger ones too few.
THRESHOLD, LEAST_WINDOWS = 0.22, 12


@cache
def load_pipeline(segmentation: Path, embedding: Path):
    """PyanNet segmentation, GE2E embeddings, agglomerative clustering."""
    logging.getLogger("lightning.pytorch.utilities.migration").setLevel(logging.ERROR)  # an old checkpoint
    with warnings.catch_warnings():
        # Waveforms are given as arrays, so its missing decoder is not missed.
        warnings.filterwarnings("ignore", message=r"\s*torchcodec is not installed", category=UserWarning)
        from pyannote.audio import Model
        from pyannote.audio.core.plda import PLDA
        from pyannote.audio.pipelines import SpeakerDiarization

    from containers.pyannote.ge2e import load_ge2e

    segmenter = Model.from_pretrained(segmentation / "pytorch_model.bin")
    assert segmenter is not None  # None stands for a gated repository
    pipeline = SpeakerDiarization(
        segmentation=segmenter,
        embedding=load_ge2e(embedding / "pretrained.pt"),
        plda=PLDA.__new__(PLDA),  # only needed by VBx; the default would be fetched from a gated repository
        clustering="AgglomerativeClustering",
        embedding_exclude_overlap=True,
        embedding_batch_size=32,
        segmentation_batch_size=32,
    )
    pipeline.instantiate(
        {
            "segmentation": {"threshold": 0.5, "min_duration_off": 0.0},
            "clustering": {
                "method": "average",
                "threshold": THRESHOLD,
                "min_cluster_size": LEAST_WINDOWS,
            },
        }
    )
    return pipeline


def diarize(pipeline, audio: Waveform, request: DiarizeRequest, embedding_model: str) -> Diarization:
    """16 kHz mono, shape (samples,), in; turns by start time, speakers named in order of appearance."""
    import torch

    duration = len(audio) / SAMPLE_RATE
    padded = np.pad(audio, (0, max(0, SHORTEST - len(audio))))
    heard: dict[str, Any] = {}
    with warnings.catch_warnings():
        # Short recordings: a speaker heard once has no spread, and fewer may be found than were asked for.
        warnings.filterwarnings("ignore", message="std\\(\\): degrees of freedom", category=UserWarning)
        warnings.filterwarnings("ignore", message="\\s*The detected number of speakers", category=UserWarning)
        found = pipeline(
            {"waveform": torch.from_numpy(padded)[None], "sample_rate": SAMPLE_RATE, "uri": "audio"},
            num_speakers=request.num_speakers,
            min_speakers=request.min_speakers,
            max_speakers=request.max_speakers,
            hook=lambda step, artifact, **_: heard.update({step: artifact}) if artifact is not None else None,
        )
    names = _names_by_appearance(found.speaker_diarization)
    embeddings = zip(found.speaker_diarization.labels(), found.speaker_embeddings, strict=False)
    return Diarization(
        turns=_turns(found.speaker_diarization, names, duration),
        exclusive_turns=_turns(found.exclusive_speaker_diarization, names, duration),
        voice_activity=_voice_activity(heard["speaker_counting"], duration),
        speakers=sorted(
            (
                Speaker(speaker=names[label], model=embedding_model, embedding=_unit(vector))
                for label, vector in embeddings
                if np.isfinite(vector).all() and np.any(vector)
            ),
            key=lambda speaker: speaker.speaker,
        ),
    )


def _names_by_appearance(annotation) -> dict[str, str]:
    order = dict.fromkeys(label for _, _, label in annotation.itertracks(yield_label=True))
    return {label: f"SPEAKER_{number:02}" for number, label in enumerate(order)}


def _turns(annotation, names: dict[str, str], duration: float) -> list[Turn]:
    return [
        Turn(start=round(segment.start, 3), end=round(min(segment.end, duration), 3), speaker=names[label])
        for segment, _, label in annotation.itertracks(yield_label=True)
        if segment.start < duration
    ]


def _voice_activity(counts, duration: float) -> list[Span]:
    """Stretches in which at least one speaker is active, from the speaker count per frame."""
    active = np.concatenate([[0], counts.data[:, 0] > 0, [0]]).astype(int)
    edges = np.flatnonzero(np.diff(active)).reshape(-1, 2)
    frames = counts.sliding_window
    spans = [(frames[first].middle, frames[last].middle) for first, last in edges]
    return [
        Span(start=round(max(start, 0.0), 3), end=round(min(end, duration), 3))
        for start, end in spans
        if start < duration
    ]


def _unit(vector: np.ndarray) -> list[float]:
    return (vector / np.linalg.norm(vector)).astype(float).round(6).tolist()
