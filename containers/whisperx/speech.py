"""Where somebody speaks: WhisperX's voice activity detection with pyannote's PyanNet."""

import logging
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from containers.common.audio import Waveform
from containers.common.contract import Span
from containers.common.pyannet import SEGMENTATION_FILE, quiet_loading

if TYPE_CHECKING:
    from whisperx.vads import Pyannote

SAMPLE_RATE = 16_000
LONGEST = 30.0  # seconds: Whisper's window


@cache
def load_vad(folder: Path) -> "Pyannote":
    """WhisperX's detector with the store's weights."""
    with quiet_loading():
        import torch
        from whisperx.vads import Pyannote

        # It logs to standard output that it works, and that silence has no speech in it.
        logging.getLogger("whisperx").setLevel(logging.ERROR)
        # The onset given here is only checked; merge_chunks applies the request's.
        return Pyannote(torch.device("cpu"), model_fp=str(folder / SEGMENTATION_FILE), vad_onset=0.5)


def find_speech(vad: "Pyannote", audio: Waveform, onset: float, offset: float) -> list[Span]:
    """Stretches of at most 30 s that hold all speech, from 16 kHz mono, shape (samples,).

    Cut and merged as in Bain et al., "WhisperX: Time-Accurate Speech Transcription of Long-Form Audio",
    2023: speech starts above `onset` and ends below `offset`, long speech is cut where it is least likely,
    and neighbours are merged as long as they fit Whisper's window.
    """
    scores = vad({"waveform": vad.preprocess_audio(audio), "sample_rate": SAMPLE_RATE})
    stretches = vad.merge_chunks(scores, LONGEST, onset=onset, offset=offset)
    length = len(audio) / SAMPLE_RATE  # the last window is padded beyond it
    spans = [Span(start=part["start"], end=min(part["end"], length)) for part in stretches]
    return [span for span in spans if span.start < span.end]
