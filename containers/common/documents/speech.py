"""`transcript.json`: what was said."""

from pydantic import Field

from containers.common.contract import Contract, Score, Seconds


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
    language: str | None = Field(default=None, description="Whisper's code of the text's language")
    translated_from: str | None = Field(
        default=None, description="of what is spoken here, where the text is a translation of it"
    )
    flags: list[str] | None = Field(default=None, description="what makes this text doubtful")
    words: list[Word] = []


class Dropped(Contract):
    """What Whisper wrote and was not kept."""

    start: Seconds
    end: Seconds
    text: str
    reason: str


class Transcript(Contract):
    """`transcript.json`. `language` is the one spoken most, or None when nothing was said."""

    segments: list[Segment]
    language: str | None = None
    names: dict[str, str] | None = Field(
        default=None, description="speakers and persons of this file who are known by name"
    )
    dropped: list[Dropped] | None = Field(default=None, description="hallucinations, each with the reason")
    duration: Seconds | None = Field(default=None, description="where the sound ends")
    word_times: dict[str, str] | None = Field(
        default=None, description="language to what timed its words: an aligner's id, or 'whisper'"
    )
