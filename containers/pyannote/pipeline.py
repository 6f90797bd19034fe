"""pyannote.audio's diarization pipeline, built without a hub. Imports torch: imported on first use."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pyannote.audio import Inference, Model
from pyannote.audio.core.plda import PLDA
from pyannote.audio.pipelines import SpeakerDiarization
from pyannote.audio.utils.signal import Binarize
from pyannote.core import Annotation, SlidingWindowFeature

from containers.common.audio import Waveform
from containers.pyannote.clustering import MIN_CLUSTER_SIZE, THRESHOLD, SpeakerClustering
from containers.pyannote.ge2e import SAMPLE_RATE, load_ge2e


class Diarizer(SpeakerDiarization):
    """Segmentation by PyanNet, embedding by GE2E, number of speakers by SpeakerClustering."""

    def __init__(self, segmentation: Path, embedding: Path) -> None:
        segmenter = Model.from_pretrained(segmentation)
        assert segmenter is not None  # None stands for a gated repository
        super().__init__(
            segmentation=segmenter,
            embedding=load_ge2e(embedding),
            embedding_exclude_overlap=True,
            plda=PLDA.__new__(PLDA),  # agglomerative clustering never asks it; the default is on a hub
            clustering="AgglomerativeClustering",
            segmentation_batch_size=32,
            embedding_batch_size=32,
        )
        self.clustering = SpeakerClustering(metric="cosine")
        self.instantiate(
            {
                # On the recordings that clustering.py names, mean DER is 0.077 at 0.5 and 0.074 at 0.55.
                "segmentation": {"threshold": 0.55, "min_duration_off": 0.1},
                "clustering": {
                    "method": "average",
                    "threshold": THRESHOLD,
                    "min_cluster_size": MIN_CLUSTER_SIZE,
                },
            }
        )

    def reconstruct(
        self, segmentations: SlidingWindowFeature, hard_clusters: NDArray, count: SlidingWindowFeature
    ) -> SlidingWindowFeature:
        # Where the network hears more voices at once than there are speakers, pyannote adds a speaker.
        held = np.minimum(count.data, hard_clusters.max() + 1)
        capped = SlidingWindowFeature(held, count.sliding_window)
        return super().reconstruct(segmentations, hard_clusters, capped)

    def diarize(
        self,
        waveform: Waveform,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
    ) -> tuple[Any, Annotation]:
        """pyannote's output and the voice activity, both from one run of the segmentation network.

        `waveform` (samples,) at 16 kHz.
        """
        scores: dict[str, SlidingWindowFeature] = {}

        def keep(step: str, artefact: Any, **_: Any) -> None:
            if step == "segmentation" and artefact is not None:
                scores[step] = artefact

        file = {"waveform": torch.from_numpy(waveform)[None], "sample_rate": SAMPLE_RATE, "uri": "audio"}
        with warnings.catch_warnings():
            # Fewer speakers than asked for is an answer, not an accident.
            warnings.filterwarnings("ignore", r"\s*The detected number of speakers", UserWarning)
            output = self(
                file,
                num_speakers=num_speakers,
                min_speakers=min_speakers,
                max_speakers=max_speakers,
                hook=keep,
            )
        return output, self._voice_activity(scores["segmentation"])

    def _voice_activity(self, scores: SlidingWindowFeature) -> Annotation:
        """As pyannote's VoiceActivityDetection: the loudest voice's score, with WhisperX's thresholds."""
        loudest = SlidingWindowFeature(scores.data.max(-1, keepdims=True), scores.sliding_window)
        frames = self._segmentation.model.receptive_field
        speech = Inference.aggregate(loudest, frames, hamming=True, missing=0.0)
        return Binarize(onset=0.5, offset=0.363, min_duration_on=0.1, min_duration_off=0.1)(speech)
