"""What can be chosen about how speech is written down: it changes files, and no model runs for it."""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, Field

SHORTEST = 0.833  # seconds that a cue stays at least: 5/6 by Netflix's Timed Text Style Guide
LONGEST = 7.0  # seconds that it stays at most
LINES = 2  # lines a cue: what broadcasters' style guides ask for

Format = Literal[
    "srt", "vtt", "txt", "docx", "tsv", "ctm", "stm", "ttml", "ass", "words", "whisperx", "sdh"
]  # fmt: skip


def _split(given: object) -> object:
    """What a command line gives, names between commas, as a list."""
    if not isinstance(given, str):
        return given
    names = [name.strip().lower() for name in given.split(",") if name.strip()]
    return list(get_args(Format)) if names == ["all"] else names


class WritingOptions(BaseModel):
    """Options of subtitles; an empty one is what Netflix's guide says for the language."""

    max_line_width: int | None = Field(
        default=None,
        ge=8,
        le=250,
        description="characters in a line of subtitles; the language's own if empty",
    )
    max_line_count: int = Field(default=LINES, ge=1, le=6, description="lines in a subtitle")
    max_speed: float | None = Field(
        default=None,
        ge=1,
        le=100,
        description="characters a second that viewers can read; the language's own if empty",
    )
    min_duration: float = Field(
        default=SHORTEST, gt=0, le=LONGEST, description="seconds that a subtitle stays at least"
    )
    speaker_labels: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="name the speakers in subtitles; auto: where there are several or the name is known",
    )
    formats: Annotated[list[Format], BeforeValidator(_split)] = Field(
        default=[],
        description="files of what is said beside SRT and WebVTT, or 'all'; words: WebVTT with word times, "
        "sdh: SRT and WebVTT with sounds, whisperx: its JSON",
    )
    highlight_words: bool = Field(default=False, description="underline each word while it is said")


AS_THE_GUIDE_SAYS = WritingOptions()
