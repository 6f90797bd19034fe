"""Where somebody speaks: WhisperX's voice activity detection, with pyannote's PyanNet or with Silero."""

import logging
from collections.abc import Callable, Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from containers.common.contract import Span
from containers.common.media.audio import Waveform
from containers.common.models.checkpoints import PYANNOTE, only_weights
from containers.common.models.pyannet import SEGMENTATION, SEGMENTATION_FILE, quiet_loading

if TYPE_CHECKING:
    from pyannote.core import SlidingWindowFeature

SAMPLE_RATE = 16_000
MODELS = {"pyannote": SEGMENTATION, "silero": "silero-vad"}
SILERO_FILE = "silero_vad_v6.onnx"
SILERO_STEP = 512  # samples between two of its answers
# Seconds between PyanNet's windows of 5 s. pyannote's own 0.5 s is five times the work; on the packaged call
# no boundary is more than 0.02 s elsewhere, and pauses are found better.
PYANNET_STEP = 2.5

MARGIN = 0.22  # seconds of the sound before and after a stretch that it is decoded with
GAP = 3.0  # seconds without a voice that no stretch spans

Detector = Callable[[Waveform], "SlidingWindowFeature"]


class Stretch(NamedTuple):
    """Speech that is decoded in one piece, and the parts of it in which a voice was heard (seconds)."""

    span: Span
    voiced: list[Span]


@cache
def load_vad(folder: Path, method: str, device: str) -> Detector:
    """From 16 kHz mono, shape (samples,), to the probability of speech over time, shape (frames, 1)."""
    with quiet_loading():
        import whisperx.vads  # noqa: F401 - it sets its own log level when imported

    # It logs to standard output that it works, and that silence has no speech in it.
    logging.getLogger("whisperx").setLevel(logging.ERROR)
    return _load_silero(folder) if method == "silero" else _load_pyannet(folder, device)


def find_speech(
    detect: Detector, audio: Waveform, onset: float, offset: float, longest: float
) -> list[Stretch]:
    """Stretches of at most `longest` seconds that hold all speech of 16 kHz mono, shape (samples,).

    Cut and merged as in Bain et al., "WhisperX: Time-Accurate Speech Transcription of Long-Form Audio",
    2023: speech starts above `onset` and ends below `offset`, long speech is cut where it is least likely,
    and neighbours are merged as long as they fit Whisper's window. Each has a little of what surrounds it.
    """
    from whisperx.vads import Pyannote

    merged = Pyannote.merge_chunks(detect(audio), longest - 2 * MARGIN, onset=onset, offset=offset)
    length = len(audio) / SAMPLE_RATE  # the last window is padded beyond it
    found: list[list[Span]] = []
    for part in merged:
        voiced = [
            Span(start=start, end=min(end, length)) for start, end in part["segments"] if start < length
        ]
        found += _cut_at_gaps(voiced)
    spans = [Span(start=voiced[0].start, end=voiced[-1].end) for voiced in found]
    wide = widen(spans, Span(start=0, end=length))
    return [Stretch(span, voiced) for span, voiced in zip(wide, found, strict=True)]


def widen(spans: list[Span], limits: Span) -> list[Span]:
    """Spans in their order with some of the sound around them, as far as half the way to the next one.

    Whisper mishears a word that begins or ends with its audio.
    """
    edges = [limits.start, *((one.end + other.start) / 2 for one, other in pairwise(spans)), limits.end]
    return [
        Span(
            start=min(span.start, max(span.start - MARGIN, before)),
            end=max(span.end, min(span.end + MARGIN, after)),
        )
        for span, before, after in zip(spans, edges, edges[1:], strict=False)
    ]


def without(voice: Span, covered: Iterable[tuple[float, float]]) -> list[Span]:
    """What is left of a voice without the covered parts, which are sorted."""
    left, start = [], voice.start
    for first, last in covered:
        if last <= start or first >= voice.end:
            continue
        if first > start:
            left.append(Span(start=start, end=first))
        start = last
    return left + ([Span(start=start, end=voice.end)] if start < voice.end else [])


def _cut_at_gaps(voiced: list[Span]) -> list[list[Span]]:
    """What is said apart: over a long gap Whisper's words drift from where they were said."""
    parts: list[list[Span]] = []
    for voice in voiced:
        if parts and voice.start - parts[-1][-1].end < GAP:
            parts[-1].append(voice)
        else:
            parts.append([voice])
    return parts


def _load_pyannet(folder: Path, device: str) -> Detector:
    with quiet_loading():
        import torch
        from whisperx.vads import Pyannote

        with only_weights(PYANNOTE):
            # The onset given here is only checked; merge_chunks applies the request's.
            vad: Any = Pyannote(torch.device(device), model_fp=str(folder / SEGMENTATION_FILE), vad_onset=0.5)
    vad.vad_pipeline._segmentation.step = PYANNET_STEP
    torch.backends.cudnn.allow_tf32 = False  # pyannote does it at the first window on CUDA, with a warning
    return lambda audio: vad({"waveform": vad.preprocess_audio(audio), "sample_rate": SAMPLE_RATE})


def _load_silero(folder: Path) -> Detector:
    with quiet_loading():
        from faster_whisper.vad import SileroVADModel
        from pyannote.core import SlidingWindow, SlidingWindowFeature

    model = SileroVADModel(str(folder / SILERO_FILE))
    step = SILERO_STEP / SAMPLE_RATE

    def detect(audio: Waveform) -> "SlidingWindowFeature":
        whole = np.pad(audio, (0, -len(audio) % SILERO_STEP))
        scores = np.asarray(model(whole)).reshape(-1, 1)
        return SlidingWindowFeature(scores, SlidingWindow(duration=step, step=step, start=0.0))

    return detect
