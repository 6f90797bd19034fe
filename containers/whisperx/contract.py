"""Speech to text: audio in, segments of timed words out (specification 2.4)."""

from typing import Literal

from pydantic import Field

from containers.common.contract import Contract, Request, Score, Seconds


class Word(Contract):
    word: str
    start: Seconds
    end: Seconds
    score: Score
    speaker: str | None = None


class Segment(Contract):
    start: Seconds
    end: Seconds
    text: str
    speaker: str | None = None
    person: str | None = Field(
        default=None, description="person of faces.json who is seen speaking, filled in by the analysis"
    )
    words: list[Word] = []


class Transcript(Contract):
    """`transcript.json`. `language` is an ISO 639-1 code, or None when nothing was said."""

    segments: list[Segment]
    language: str | None = None
    names: dict[str, str] | None = Field(
        default=None, description="speakers and persons of this file who are known by name"
    )


class TranscribeRequest(Request):
    audio: str = Field(description="URI of audio in any container and codec; read as 16 kHz mono")
    language: str | None = Field(
        default=None, description="Whisper's code, mostly ISO 639-1 (ko, en, haw); detected when not given"
    )
    model: str = Field(default="whisper-base", description="id of a Whisper in the model catalogue")
    batch_size: int = Field(default=4, ge=1, description="stretches of speech decoded at once")
    beam_size: int = Field(default=5, ge=1)
    compute_type: Literal["int8", "float32"] = "int8"
    initial_prompt: str | None = None
    hotwords: str | None = None
    vad_onset: float = Field(
        default=0.5, gt=0, lt=1, description="voice activity starts above this probability"
    )
    vad_offset: float = Field(
        default=0.363, gt=0, lt=1, description="voice activity ends below this probability"
    )
