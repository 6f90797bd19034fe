"""From stretches of speech to segments of timed words, by Whisper on CTranslate2.

Word times are Whisper's own: dynamic time warping over its cross-attention, as faster-whisper does it in the
same pass that decodes (`word_timestamps`), so nothing is transcribed twice and no aligner is needed.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from containers.common.audio import Waveform
from containers.common.contract import Span
from containers.whisperx.contract import Segment, TranscribeRequest, Transcript, Word

if TYPE_CHECKING:
    from faster_whisper import BatchedInferencePipeline

SAMPLE_RATE = 16_000
SENTENCE_ENDS = tuple(".?!…。？！")  # noqa: RUF001
PAUSE = 1.0  # seconds without a word end a segment
LONGEST = 15.0  # seconds: a segment this long ends at the next comma
SPEECH_FOR_LANGUAGE = 60  # seconds of speech that the language is read from


def languages() -> tuple[str, ...]:
    """The codes of the languages that Whisper knows."""
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    return _LANGUAGE_CODES


@cache
def load_whisper(folder: Path, compute_type: str) -> "BatchedInferencePipeline":
    """Whisper with the store's weights, decoding several stretches at once."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    model = WhisperModel(str(folder), device="cpu", compute_type=compute_type)
    return BatchedInferencePipeline(model)


def transcribe(
    whisper: "BatchedInferencePipeline", audio: Waveform, stretches: list[Span], request: TranscribeRequest
) -> Transcript:
    """16 kHz mono, shape (samples,), and its stretches of speech in; sentences of words out."""
    language = request.language or find_language(whisper, audio, stretches)
    found, _ = whisper.transcribe(
        audio,
        language=language,
        clip_timestamps=[{"start": span.start, "end": span.end} for span in stretches],
        word_timestamps=True,
        batch_size=request.batch_size,
        beam_size=request.beam_size,
        initial_prompt=request.initial_prompt,
        hotwords=request.hotwords,
    )
    segments = [
        segment for part in found for segment in split_sentences(part.words or [], len(audio) / SAMPLE_RATE)
    ]
    return Transcript(segments=segments, language=language if segments else None)


def find_language(whisper: "BatchedInferencePipeline", audio: Waveform, stretches: list[Span]) -> str:
    """The language of the first minute of speech, silence left out."""
    import numpy as np

    pieces, left = [], SPEECH_FOR_LANGUAGE * SAMPLE_RATE
    for span in stretches:
        piece = audio[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)][:left]
        pieces.append(piece)
        left -= len(piece)
    speech = np.concatenate(pieces)
    windows = max(1, round(len(speech) / SAMPLE_RATE / 30))
    language, _, _ = whisper.model.detect_language(speech, language_detection_segments=windows)
    return language


def split_sentences(words: list[Any], duration: float) -> list[Segment]:
    """Segments that end where a sentence or a breath ends, instead of Whisper's 30 s windows.

    `words` have `word` (with its leading space), `start`, `end` and `probability`. Times are made to rise
    and to stay inside `duration` seconds.
    """
    segments: list[Segment] = []
    current: list[Any] = []
    for word in words:
        if current and _ends(current, word):
            segments.append(_segment(current, duration))
            current = []
        current.append(word)
    if current:
        segments.append(_segment(current, duration))
    return [segment for segment in segments if segment.words]


def _ends(current: list[Any], following: Any) -> bool:
    last = current[-1]
    long = last.end - current[0].start > LONGEST
    return (
        last.word.rstrip().endswith(SENTENCE_ENDS)
        or following.start - last.end > PAUSE
        or (long and last.word.rstrip().endswith((",", ";", ":", "，", "、")))  # noqa: RUF001
    )


def _segment(words: list[Any], duration: float) -> Segment:
    timed: list[Word] = []
    latest = 0.0
    for word in words:
        if not (text := word.word.strip()):
            continue
        start = min(max(float(word.start), latest), duration)
        end = min(max(float(word.end), start), duration)
        latest = end
        score = min(max(float(word.probability), 0.0), 1.0)
        timed.append(Word(word=text, start=round(start, 3), end=round(end, 3), score=round(score, 3)))
    text = "".join(word.word for word in words).strip()
    first, last = (timed[0].start, timed[-1].end) if timed else (0.0, 0.0)
    return Segment(start=first, end=last, text=text, words=timed)
