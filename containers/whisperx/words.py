"""From stretches of speech to timed words, by Whisper on CTranslate2.

Word times are Whisper's own: dynamic time warping over the cross-attention of the pass that decodes
(faster-whisper's `word_timestamps`), so nothing is transcribed twice and no aligner is needed.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from containers.common.audio import Waveform
from containers.common.contract import Span
from containers.common.errors import UserError
from containers.common.pyannet import quiet_loading
from containers.whisperx.contract import Segment, TranscribeRequest, Transcript
from containers.whisperx.segments import split_segments

if TYPE_CHECKING:
    from faster_whisper import BatchedInferencePipeline
    from whisperx.asr import WhisperModel

SAMPLE_RATE = 16_000
SPEECH_FOR_LANGUAGE = 60  # seconds of speech that the language is read from
PROMPT_TOKENS = 223  # half of Whisper's context less one

# Whisper's own limits (Radford et al., 2022, section 4.5): a text that compresses better than this is a loop,
# and where these two hold nothing was said.
LOOP_COMPRESSION = 2.4
NO_SPEECH, UNLIKELY = 0.6, -1.0
NO_REPEAT = 5  # tokens in a row that are not said twice when a loop is decoded again


@cache
def load_whisper(folder: Path, compute_type: str) -> "WhisperModel":
    """WhisperX's model class with the store's weights; it uses as many cores as OMP_NUM_THREADS says."""
    with quiet_loading():
        from whisperx.asr import WhisperModel

        return WhisperModel(str(folder), device="cpu", compute_type=compute_type)


def languages(model: "WhisperModel") -> set[str]:
    """The codes that this Whisper has a token for."""
    tokens = model.hf_tokenizer
    return {code for code in model.supported_languages if tokens.token_to_id(f"<|{code}|>") is not None}


def transcribe(
    model: "WhisperModel", audio: Waveform, stretches: list[Span], request: TranscribeRequest
) -> Transcript:
    """16 kHz mono, shape (samples,), and its stretches of speech in; segments of timed words out.

    Stretches are decoded `batch_size` at a time, so memory does not grow with the length of the media.
    Raises UserError when prompt and hotwords do not fit Whisper's context.
    """
    from faster_whisper import BatchedInferencePipeline

    _check_prompt(model, request)
    language = request.language or find_language(model, audio, stretches)
    pipeline = BatchedInferencePipeline(model)
    segments: list[Segment] = []
    for start in range(0, len(stretches), request.batch_size):
        batch = stretches[start : start + request.batch_size]
        for span, text in _decode(pipeline, audio, batch, language, request):
            segments += split_segments(text.words, span)
    return Transcript(segments=segments, language=language if segments else None)


def find_language(model: "WhisperModel", audio: Waveform, stretches: list[Span]) -> str:
    """The language of the first minute of speech, silence left out."""
    pieces: list[Waveform] = []
    for span in stretches:
        pieces.append(audio[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)])
        if sum(map(len, pieces)) >= SPEECH_FOR_LANGUAGE * SAMPLE_RATE:
            break
    speech = np.concatenate(pieces)
    windows = max(1, min(SPEECH_FOR_LANGUAGE, round(len(speech) / SAMPLE_RATE)) // 30)
    return model.detect_language(speech, language_detection_segments=windows)[0]


def _decode(
    pipeline: "BatchedInferencePipeline",
    audio: Waveform,
    stretches: list[Span],
    language: str,
    request: TranscribeRequest,
    no_repeat: int = 0,
) -> Iterator[tuple[Span, Any]]:
    """Each stretch with its text; without those in which nothing was said. Loops are decoded once more."""
    # Without Whisper's own time stamps: with them, what follows the last one in a stretch would be lost.
    decoded, _ = pipeline.transcribe(
        audio,
        language=language,
        clip_timestamps=[span.model_dump() for span in stretches],
        word_timestamps=True,
        without_timestamps=True,
        batch_size=len(stretches),
        beam_size=request.beam_size,
        initial_prompt=request.initial_prompt,
        hotwords=request.hotwords,
        no_repeat_ngram_size=no_repeat,
    )
    for span, text in zip(stretches, decoded, strict=True):
        if text.compression_ratio > LOOP_COMPRESSION and not no_repeat:
            yield from _decode(pipeline, audio, [span], language, request, NO_REPEAT)
        elif text.no_speech_prob <= NO_SPEECH or text.avg_logprob >= UNLIKELY:
            yield span, text


def _check_prompt(model: "WhisperModel", request: TranscribeRequest) -> None:
    hints = " ".join(filter(None, (request.initial_prompt, request.hotwords)))
    tokens = len(model.hf_tokenizer.encode(hints, add_special_tokens=False).ids)
    if tokens > PROMPT_TOKENS:
        raise UserError(
            f"Prompt and hotwords are {tokens} tokens long; Whisper takes {PROMPT_TOKENS} at most."
        )
