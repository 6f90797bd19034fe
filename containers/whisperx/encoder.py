"""Whisper loaded, and what its encoder makes of stretches of speech: its language, and what is decoded.

Whisper's encoder is given the 30 s that it was trained on, silence after the speech: with less the decoder
writes sentences twice or ends early.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from containers.common.contract import Span
from containers.common.errors import UserError
from containers.common.media.audio import Waveform, raised

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

SAMPLE_RATE = 16_000
FRAMES = 100  # spectrogram frames a second; the encoder halves them
MARGIN = 2.0  # seconds of silence after the speech: without it the decoder misses where it ends


@cache
def load_whisper(folder: Path, compute_type: str, device: str) -> "WhisperModel":
    """faster-whisper's model with the store's weights; it uses as many cores as OMP_NUM_THREADS says.

    Raises UserError when the device cannot compute in this type.
    """
    # whisperX's class adds to it a way of decoding in batches that `decode` does without, and costs torch,
    # transformers and pyannote.audio to import.
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(str(folder), device=device, compute_type=compute_type)
    except ValueError as error:  # CTranslate2's sentence names the type and the device
        raise UserError(f"{str(error).rstrip('.')}.") from None


def find_device(asked: str) -> str:
    """'cuda' or 'cpu'. Raises UserError when a GPU is asked for and there is none."""
    if asked == "cpu":
        return asked
    import ctranslate2

    found = ctranslate2.get_cuda_device_count() > 0
    if asked == "cuda" and not found:
        raise UserError("device is 'cuda', but CTranslate2 finds no GPU here; 'auto' takes what there is.")
    return "cuda" if found else "cpu"


def find_compute_type(asked: str, device: str) -> str:
    return {"cuda": "float16", "cpu": "int8"}[device] if asked == "auto" else asked


def languages(model: "WhisperModel") -> set[str]:
    """The codes that this Whisper has a token for."""
    tokens = model.hf_tokenizer
    return {code for code in model.supported_languages if tokens.token_to_id(f"<|{code}|>") is not None}


def encode(model: "WhisperModel", audio: Waveform, spans: list[Span], short: bool = False) -> Any:
    """The encoder's output for spans of 16 kHz mono, CTranslate2's (spans, frames, features).

    `short` costs as much as there is speech, and is enough to tell the language by.
    """
    import ctranslate2

    count = model.feature_extractor.nb_max_frames
    if short:
        longest = max(span.end - span.start for span in spans) + MARGIN
        count = min(round(longest * FRAMES), count)
    batch = []
    for span in spans:
        piece = audio[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)]
        features = model.feature_extractor(raised(piece))[:, :-1]
        batch.append(_fit(features, count))
    return model.model.encode(ctranslate2.StorageView.from_array(np.ascontiguousarray(np.stack(batch))))


def rows(encoded: Any, chosen: list[int]) -> Any:
    """Some rows of an encoder's output."""
    import ctranslate2

    if chosen == list(range(encoded.shape[0])):
        return encoded
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(_array(encoded)[chosen]))


def _array(encoded: Any) -> np.ndarray:
    import ctranslate2

    if encoded.dtype == ctranslate2.DataType.bfloat16:  # which NumPy has not
        encoded = encoded.to(ctranslate2.DataType.float32)
    return np.asarray(encoded.to_device(ctranslate2.Device.cpu))


def _fit(features: np.ndarray, count: int) -> np.ndarray:
    """Cut or filled with the spectrogram's silence to `count` frames."""
    if features.shape[1] >= count:
        return features[:, :count]
    return np.pad(features, ((0, 0), (0, count - features.shape[1])))


def detect_languages(model: "WhisperModel", encoded: Any) -> list[dict[str, float]]:
    """Code to probability, for each row of an encoder's output."""
    found = model.model.detect_language(encoded)
    return [{token[2:-2]: float(probability) for token, probability in row} for row in found]


def detect_within(
    model: "WhisperModel", encoded: Any, row: int, whole: Span, parts: Iterable[Span]
) -> list[dict[str, float]]:
    """The same for parts of one row: cheap, and a little blurred by what is beside them."""
    import ctranslate2

    held = _array(encoded)[row]
    answers = []
    for part in parts:
        start, end = (round((time - whole.start) * FRAMES / 2) for time in (part.start, part.end))
        piece = np.ascontiguousarray(held[None, start : max(end, start + 1)])
        answers += detect_languages(model, ctranslate2.StorageView.from_array(piece))
    return answers


def by_length(spans: Iterable[Span], batch_size: int) -> list[list[int]]:
    """Numbers of the spans in batches of like length, so that little is computed on silence."""
    lengths = [span.end - span.start for span in spans]
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
