"""pyannote.audio's diarization pipeline, built without a hub. Imports torch: imported on first use."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pyannote.audio import Inference, Model
from pyannote.audio.core.plda import PLDA
from pyannote.audio.pipelines import SpeakerDiarization
from pyannote.audio.pipelines.speaker_diarization import DiarizeOutput
from pyannote.audio.utils.signal import Binarize
from pyannote.core import Annotation, SlidingWindow, SlidingWindowFeature

from containers.common.audio import Waveform
from containers.pyannote.clustering import MIN_CLUSTER_SIZE, THRESHOLD, SpeakerClustering
from containers.pyannote.ge2e import SAMPLE_RATE, load_ge2e
from containers.pyannote.windows import Windows

NOBODY = -2  # pyannote's cluster for voices of a window that are silent
# Windows whose turns are put together at once: nine minutes. Window and frame begin together only every 27
# windows (13.5 s, 800 frames), so that blocks of other lengths would shift the frames.
PERIOD = 27
BLOCK = 40 * PERIOD


def load_segmenter(path: Path) -> Model:
    """PyanNet from a file of the store."""
    segmenter = Model.from_pretrained(path)
    assert segmenter is not None  # None stands for a gated repository
    return segmenter.eval()


class Diarizer(SpeakerDiarization):
    """Segmentation by PyanNet, embedding by GE2E, number of speakers by SpeakerClustering.

    In two steps, so that a long recording can be heard in pieces and its speakers still be found in one
    clustering: `hear`, and `group` for the windows of all pieces.
    """

    def __init__(self, segmentation: Path, embedding: Path) -> None:
        segmenter = load_segmenter(segmentation)
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

    def hear(self, waveform: Waveform) -> Windows:
        """What the networks hear in each window of `waveform`, shape (samples,), 16 kHz."""
        file = {"waveform": torch.from_numpy(waveform)[None], "sample_rate": SAMPLE_RATE, "uri": "audio"}
        scores = self.get_segmentations(file).data.astype(np.float16)
        binary = self._binary(scores)
        if not binary.any():
            nobody = np.full((*binary.shape[::2], self._embedding.dimension), np.nan, np.float32)
            return Windows(scores, nobody)
        masks = SlidingWindowFeature(binary.astype(np.float32), self._grid())
        embeddings = self.get_embeddings(file, masks, exclude_overlap=self.embedding_exclude_overlap)
        return Windows(scores, embeddings.astype(np.float32))

    def group(
        self,
        windows: Windows,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
    ) -> tuple[DiarizeOutput, Annotation]:
        """pyannote's output and the voice activity: one clustering of all windows, whoever heard them.

        The steps are those of pyannote's `SpeakerDiarization.apply`.
        """
        number, least, most = self.set_num_speakers(num_speakers, min_speakers, max_speakers)
        speech = self._voice_activity(windows.scores)
        binary = self._binary(windows.scores)
        frames = self._segmentation.model.receptive_field
        count = self.speaker_count(SlidingWindowFeature(binary, self._grid()), frames, warm_up=(0.0, 0.0))
        if not count.data.any():
            nobody = np.zeros((0, windows.embeddings.shape[2]))
            return DiarizeOutput(Annotation(), Annotation(), nobody), speech
        clusters, _, centroids = self.clustering(
            embeddings=windows.embeddings,
            segmentations=SlidingWindowFeature(binary, self._grid()),
            num_clusters=number,
            min_clusters=least,
            max_clusters=most,
        )
        clusters[~binary.any(axis=1)] = NOBODY
        # Where the network hears more voices at once than there are speakers, pyannote would add a speaker.
        count.data = np.minimum(count.data, clusters.max() + 1).astype(np.int8)
        turns = self._turns(windows.scores, clusters, count)
        count.data = np.minimum(count.data, 1)
        exclusive = self._turns(windows.scores, clusters, count)
        names = {label: f"SPEAKER_{label:02d}" for label in (*turns.labels(), *exclusive.labels())}
        heard = sorted(turns.labels(), key=names.__getitem__)
        output = DiarizeOutput(turns.rename_labels(names), exclusive.rename_labels(names), centroids[heard])
        return output, speech

    def diarize(
        self,
        waveform: Waveform,
        num_speakers: int | None = None,
        min_speakers: int | None = None,
        max_speakers: int | None = None,
    ) -> tuple[DiarizeOutput, Annotation]:
        """Both steps for `waveform` (samples,) at 16 kHz."""
        return self.group(self.hear(waveform), num_speakers, min_speakers, max_speakers)

    @property
    def window(self) -> tuple[float, float]:
        """Seconds that a window lasts, and from one to the next."""
        return self._segmentation.duration, self._segmentation.step

    def _binary(self, scores: NDArray) -> NDArray:
        return scores > self.segmentation.threshold

    def _grid(self, first: int = 0) -> SlidingWindow:
        duration, step = self.window
        return SlidingWindow(start=first * step, duration=duration, step=step)

    def _turns(self, scores: NDArray, clusters: NDArray, count: SlidingWindowFeature) -> Annotation:
        """Block after block, so that memory does not grow with windows times speakers."""
        step = self.window[1]
        frames = count.sliding_window
        voices = int(clusters.max()) + 1
        active = np.zeros((len(count.data), voices), np.int8)

        def frame(window: int) -> int:
            return round(window * step / frames.step)

        for first in range(0, len(scores), BLOCK):
            lower, upper = max(first - PERIOD, 0), min(first + BLOCK + PERIOD, len(scores))
            start = lower * step
            held = SlidingWindowFeature(
                count.data[frame(lower) :], SlidingWindow(frames.duration, frames.step, start)
            )
            block = SlidingWindowFeature(scores[lower:upper].astype(np.float32), self._grid(lower))
            part = self.reconstruct(block, clusters[lower:upper], held)
            begins = frame(lower) + round((part.sliding_window.start - start) / frames.step)
            last = first + BLOCK >= len(scores)
            wanted = slice(frame(first), len(active) if last else frame(first + BLOCK))
            found = part.data[wanted.start - begins : wanted.stop - begins]
            active[wanted.start : wanted.start + len(found), : found.shape[1]] = found
        off = self.segmentation.min_duration_off
        return self.to_annotation(SlidingWindowFeature(active, frames), min_duration_off=off)

    def _voice_activity(self, scores: NDArray) -> Annotation:
        """As pyannote's VoiceActivityDetection: the loudest voice's score, with WhisperX's thresholds."""
        loudest = SlidingWindowFeature(scores.max(-1, keepdims=True), self._grid())
        frames = self._segmentation.model.receptive_field
        speech = Inference.aggregate(loudest, frames, hamming=True, missing=0.0)
        return Binarize(onset=0.5, offset=0.363, min_duration_on=0.1, min_duration_off=0.1)(speech)
