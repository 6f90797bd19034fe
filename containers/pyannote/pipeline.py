"""pyannote.audio's diarization pipeline, built without a hub. Imports torch: imported on first use."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pyannote.audio import Inference, Model
from pyannote.audio.core.plda import PLDA
from pyannote.audio.pipelines import SpeakerDiarization
from pyannote.audio.pipelines.clustering import BaseClustering
from pyannote.audio.pipelines.speaker_diarization import DiarizeOutput
from pyannote.audio.utils.signal import Binarize
from pyannote.core import Annotation, Segment, SlidingWindow, SlidingWindowFeature

from containers.common.media.audio import Waveform
from containers.common.models.checkpoints import PYANNOTE, only_weights
from containers.pyannote.silence import silent_frames
from containers.pyannote.windows import Windows

SAMPLE_RATE = 16_000
NOBODY = -2  # pyannote's cluster for voices of a window that are silent
# Windows whose turns are put together at once: nine minutes, 18 where they are 1 s apart. Window and frame
# begin together only every 27 windows (a frame is 270 samples, a step 8000 or 16,000): other blocks would
# shift the frames.
PERIOD = 27
BLOCK = 40 * PERIOD


def load_network(path: Path, strict: bool = True) -> Model:
    """A network of pyannote.audio from a checkpoint of the store."""
    with only_weights(PYANNOTE):
        network = Model.from_pretrained(path, strict=strict)
    assert network is not None  # None stands for a gated repository
    return network.eval()


def bridge(exclusive: Annotation, off: float) -> Annotation:
    """Turns of which none overlap, pauses up to `off` seconds bridged where the next to speak is the same."""
    bridged: list[tuple[Segment, Any]] = []
    tracks: Any = exclusive.itertracks(yield_label=True)
    for turn, _, label in tracks:
        if bridged and bridged[-1][1] == label and turn.start - bridged[-1][0].end <= off:
            bridged[-1] = Segment(bridged[-1][0].start, turn.end), label
        else:
            bridged.append((turn, label))
    records: Any = ((turn, number, label) for number, (turn, label) in enumerate(bridged))
    return Annotation.from_records(records, uri=exclusive.uri)


class Diarizer(SpeakerDiarization):
    """pyannote's pipeline in two steps: `hear`, and `group` for the windows of all pieces.

    So a long recording can be heard in pieces and its speakers still be found in one clustering. With
    `trim_silence` nobody speaks where nothing is heard. `settings` are the pipeline's own. On CUDA where
    there is one.
    """

    def __init__(
        self,
        segmenter: Model,
        embedder: Model,
        clustering: BaseClustering,
        parameters: dict[str, Any],
        trim_silence: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(
            segmentation=segmenter,
            embedding=embedder,
            plda=PLDA.__new__(PLDA),  # the default is on a hub; `clustering` has its own if it asks one
            clustering="AgglomerativeClustering",
            **settings,
        )
        self.clustering = clustering
        self._trim_silence = trim_silence
        self.instantiate(parameters)
        if torch.cuda.is_available():
            torch.backends.cudnn.allow_tf32 = False  # pyannote does it at the first window, with a warning
            self.to(torch.device("cuda"))

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
        if self._trim_silence:  # the voices are those of all that the network hears
            windows, frames, _ = scores.shape
            scores[silent_frames(waveform, (windows, frames), *self.window)] = 0
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
        off = self.segmentation.min_duration_off
        turns = self._turns(windows.scores, clusters, count, off)
        count.data = np.minimum(count.data, 1)
        # Pauses bridged voice by voice would run across another voice's short word.
        exclusive = bridge(self._turns(windows.scores, clusters, count, 0.0), off)
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

    @property
    def _is_powerset(self) -> bool:
        """Whether scores are decisions already, 0 or 1."""
        specifications: Any = self._segmentation.model.specifications
        return specifications.powerset

    def _binary(self, scores: NDArray) -> NDArray:
        return scores > (0.5 if self._is_powerset else self.segmentation.threshold)

    def _grid(self, first: int = 0) -> SlidingWindow:
        duration, step = self.window
        return SlidingWindow(start=first * step, duration=duration, step=step)

    def _turns(
        self, scores: NDArray, clusters: NDArray, count: SlidingWindowFeature, off: float
    ) -> Annotation:
        """Pauses up to `off` seconds bridged. Block after block, so that memory does not grow with windows
        times speakers."""
        step = self.window[1]
        frames = count.sliding_window
        voices = int(clusters.max()) + 1
        active = np.zeros((len(count.data), voices), np.int8)

        def frame(window: int) -> int:
            return round(window * step / frames.step)

        for first in range(0, len(scores), BLOCK):
            lower, upper = max(first - PERIOD, 0), min(first + BLOCK + PERIOD, len(scores))
            if clusters[lower:upper].max() < 0:
                continue  # minutes of silence
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
        return self.to_annotation(SlidingWindowFeature(active, frames), min_duration_off=off)

    def _voice_activity(self, scores: NDArray) -> Annotation:
        """As pyannote's VoiceActivityDetection: the loudest voice's score, with WhisperX's thresholds.

        Of a powerset network it is the part of the windows that hear somebody: the majority decides.
        """
        loudest = SlidingWindowFeature(scores.max(-1, keepdims=True), self._grid())
        frames = self._segmentation.model.receptive_field
        speech = Inference.aggregate(loudest, frames, hamming=True, missing=0.0)
        offset = 0.5 if self._is_powerset else 0.363
        return Binarize(onset=0.5, offset=offset, min_duration_on=0.1, min_duration_off=0.1)(speech)
