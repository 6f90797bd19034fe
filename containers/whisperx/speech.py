"""Where somebody speaks: WhisperX's voice activity detection, with pyannote's PyanNet or with Silero."""

from collections.abc import Callable, Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from containers.common.contract import Span
from containers.common.media.audio import Waveform
from containers.common.models.checkpoints import PYANNOTE, only_weights
from containers.common.models.pyannet import SEGMENTATION, SEGMENTATION_FILE, quiet_loading
from containers.common.models.pyannet_light import PyanNet
from containers.whisperx.activity import Activity, find_speech_parts, hear_windows, merge_parts

SAMPLE_RATE = 16_000
MODELS = {"pyannote": SEGMENTATION, "silero": "silero-vad"}
SILERO_FILE = "silero_vad_v6.onnx"
SILERO_STEP = 512  # samples between two of its answers
# Seconds between PyanNet's windows of 5 s. pyannote's own 0.5 s is five times the work; on the packaged call
# no boundary is more than 0.02 s elsewhere, and pauses are found better.
PYANNET_STEP = 2.5

MARGIN = 0.22  # seconds of the sound before and after a stretch that it is decoded with
GAP = 3.0  # seconds without a voice that no stretch spans

Detector = Callable[[Waveform], Activity]


class Stretch(NamedTuple):
    """Speech that is decoded in one piece, and the parts of it in which a voice was heard (seconds)."""

    span: Span
    voiced: list[Span]


@cache
def load_vad(folder: Path, method: str, device: str) -> Detector:
    """From 16 kHz mono, shape (samples,), to the probability of speech over time."""
    return _load_silero(folder) if method == "silero" else _load_pyannet(folder, device)


def find_speech(
    detect: Detector, audio: Waveform, onset: float, offset: float, longest: float
) -> list[Stretch]:
    """Stretches of at most `longest` seconds that hold all speech of 16 kHz mono, shape (samples,).

    Cut and merged as in Bain et al., "WhisperX: Time-Accurate Speech Transcription of Long-Form Audio",
    2023: speech starts above `onset` and ends below `offset`, long speech is cut where it is least likely,
    and neighbours are merged as long as they fit Whisper's window. Each has a little of what surrounds it.
    """
    most = longest - 2 * MARGIN
    length = len(audio) / SAMPLE_RATE  # the last window is padded beyond it
    found: list[list[Span]] = []
    for part in merge_parts(find_speech_parts(detect(audio), onset, offset, most), most):
        voiced = [Span(start=one.start, end=min(one.end, length)) for one in part if one.start < length]
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
    path = folder / SEGMENTATION_FILE
    network = PyanNet(path) if device == "cpu" else _on_gpu(path, device)
    return lambda audio: hear_windows(network, audio, PYANNET_STEP)


def _on_gpu(path: Path, device: str) -> Callable[[Waveform], Any]:
    """The same network by torch."""
    with quiet_loading():
        import torch
        from pyannote.audio import Model

        with only_weights(PYANNOTE):
            network: Any = Model.from_pretrained(path)
    torch.backends.cudnn.allow_tf32 = False
    network.eval().to(device)

    def score(windows: Waveform) -> Any:
        with torch.inference_mode():
            return network(torch.from_numpy(windows.copy())[:, None].to(device)).cpu().numpy()

    return score


def _load_silero(folder: Path) -> Detector:
    from faster_whisper.vad import SileroVADModel

    model = SileroVADModel(str(folder / SILERO_FILE))
    step = SILERO_STEP / SAMPLE_RATE

    def detect(audio: Waveform) -> Activity:
        whole = np.pad(audio, (0, -len(audio) % SILERO_STEP))
        scores = np.asarray(model(whole)).reshape(-1)
        return Activity(scores, (np.arange(len(scores)) + 0.5) * step)

    return detect
