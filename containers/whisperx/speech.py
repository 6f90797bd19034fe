"""Where somebody speaks: whisperX's voice activity detection with pyannote's PyanNet."""

import logging
from functools import cache
from pathlib import Path

import numpy as np

from containers.common.audio import Waveform
from containers.common.contract import Span

SAMPLE_RATE = 16_000
LONGEST = 30.0  # seconds: Whisper's window
MODEL_FILE = "pytorch_model.bin"


@cache
def load_vad(folder: Path, onset: float, offset: float):
    """whisperX's pyannote detector with the store's weights."""
    logging.getLogger("lightning.pytorch.utilities.migration").setLevel(logging.ERROR)  # an old checkpoint
    import torch
    from whisperx.vads import Pyannote

    return Pyannote(
        torch.device("cpu"), model_fp=str(folder / MODEL_FILE), vad_onset=onset, vad_offset=offset
    )


def find_speech(vad, audio: Waveform, onset: float, offset: float) -> list[Span]:
    """Stretches of at most 30 s with speech in them, from 16 kHz mono, shape (samples,)."""
    length = len(audio) / SAMPLE_RATE
    # The detector's window is 5 s; shorter recordings are followed by silence.
    padded = np.pad(audio, (0, max(0, 5 * SAMPLE_RATE - len(audio))))
    found = vad({"waveform": vad.preprocess_audio(padded), "sample_rate": SAMPLE_RATE})
    merged = vad.merge_chunks(found, LONGEST, onset=onset, offset=offset)
    spans = [Span(start=part["start"], end=min(part["end"], length)) for part in merged]
    return [span for span in spans if span.end > span.start]
