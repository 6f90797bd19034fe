"""A transcript for programs: TSV as Whisper writes it, NIST's CTM and STM, and whisperX's own JSON."""

import re
from typing import Any

from containers.common.documents.speech import Segment, Transcript
from tasks.outputs.as_json import to_json

UNKNOWN = "unknown"
# A spreadsheet takes a cell that begins so for a formula, unless it is a number or a dash of dialogue:
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = re.compile(r"[=@]|[+-](?=\S)(?!\d[\d.,]*(\s|$))")
STM_MARKUP = str.maketrans("{}()<>", "      ")  # alternatives, words that may be left out, and labels


def to_tsv(transcript: Transcript) -> bytes:
    """Whisper's columns, start and end in milliseconds and text; and the speaker."""
    rows = [
        (str(round(segment.start * 1000)), str(round(segment.end * 1000)), *_cells(segment))
        for segment in transcript.segments
    ]
    return "".join("\t".join(row) + "\n" for row in [("start", "end", "text", "speaker"), *rows]).encode()


def to_ctm(transcript: Transcript, recording: str) -> bytes:
    """NIST CTM, a word a line: recording, channel, start and duration in seconds, word, confidence."""
    name = _token(recording)
    return "".join(
        f"{name} 1 {word.start:.3f} {word.end - word.start:.3f} {_token(word.word)} {word.score:.3f}\n"
        for segment in transcript.segments
        for word in segment.words
        if word.word.strip()
    ).encode()


def to_stm(transcript: Transcript, recording: str) -> bytes:
    """NIST STM, a segment a line: recording, channel, speaker, start and end in seconds, text."""
    name = _token(recording)
    return "".join(
        f"{name} 1 {_token(segment.speaker or UNKNOWN)} {segment.start:.3f} {segment.end:.3f} {text}\n"
        for segment in transcript.segments
        if (text := " ".join(segment.text.translate(STM_MARKUP).split()))
    ).encode()


def to_whisperx(transcript: Transcript) -> bytes:
    """What whisperX writes: `segments`, all their words as `word_segments`, and `language`."""
    segments = [_whisperx_segment(segment) for segment in transcript.segments]
    words = [word for segment in segments for word in segment["words"]]
    return to_json({"segments": segments, "word_segments": words, "language": transcript.language})


def _whisperx_segment(segment: Segment) -> dict[str, Any]:
    fields = {"start", "end", "text", "words", "speaker"}
    return segment.model_dump(mode="json", include=fields, exclude_none=True) | {
        "words": [word.model_dump(mode="json", exclude_none=True) for word in segment.words]
    }


def _cells(segment: Segment) -> list[str]:
    cells = (" ".join(text.split()) for text in (segment.text, segment.speaker or ""))
    return [f"'{cell}" if FORMULA.match(cell) else cell for cell in cells]


def _token(text: str) -> str:
    """Without white space, which ends a field."""
    return "_".join(text.split()) or UNKNOWN
