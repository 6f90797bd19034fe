"""What may be asked over everything that was said, heard and seen, and the answer: the shape of `--json`."""

from datetime import date
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class MomentQuestion(BaseModel):
    """All parts that are given hold at the same moment. Prefect shows this as a form."""

    model_config = ConfigDict(extra="forbid")

    said: str | None = Field(
        default=None,
        description='words; "of a phrase" in quotes, budg* for what begins so, -draft for without',
    )
    about: str | None = Field(
        default=None, description="what is said, in other words or another language: by its meaning"
    )
    by: str | None = Field(default=None, description="who says it: a name, or SPEAKER_00")
    heard: str | None = Field(default=None, description="a sound that is heard meanwhile, as Applause")
    seen: str | None = Field(default=None, description="who is on screen: a name, or PERSON_000")
    shown: str | None = Field(default=None, description="what is to be seen, as: a dog on a beach")
    language: str | None = Field(default=None, description="what is spoken, a code (ko) or a name (Korean)")
    after: date | None = Field(
        default=None,
        description="only what was recorded on that day or later: by its own word, else by its file's time",
    )
    before: date | None = Field(default=None, description="only what was recorded before that day")
    assets: list[str] = Field(default=[], description="only in these assets (ids, or how they begin)")
    start: float | None = Field(default=None, ge=0, description="only from this second of an asset on")
    end: float | None = Field(default=None, ge=0, description="only before this second of an asset")
    k: int = Field(default=10, ge=1, le=1000, description="matches at most")

    @model_validator(mode="after")
    def _something_is_asked(self) -> Self:
        parts = (self.said, self.about, self.by, self.heard, self.seen, self.shown, self.language)
        if not any(part is not None and part.strip() for part in parts):
            raise ValueError("ask for something said, about, by, heard, seen, shown or of a language")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"second {self.start:g} is not before second {self.end:g}")
        if self.after and self.before and self.after >= self.before:
            raise ValueError(f"{self.after} is not before {self.before}")
        return self


class FoundMoment(BaseModel):
    """A segment that is said, or a stretch in which something is heard and seen. Times are seconds."""

    score: float = Field(
        description="from 0 to 1: 1 where all is as it was asked for; of `about` where words and meaning "
        "both put it first; of `shown` alone the cosine"
    )
    asset: str
    media: str = Field(description="the media file's name")
    day: date | None = Field(default=None, description="of the recording")
    dated: Literal["media", "file", "analysis"] | None = Field(
        default=None, description="what says so: the media itself, its file's time, or only its analysis"
    )
    start: float
    end: float
    text: str = Field(default="", description="what is said")
    marks: list[tuple[int, int]] = Field(default=[], description="where in `text` the words stand")
    context: tuple[str, str] = Field(default=("", ""), description="what is said before and after")
    speaker: str | None = Field(default=None, description="the file's own label, SPEAKER_00")
    by: str | None = Field(default=None, description="the speaker's name, where it is known")
    language: str | None = None
    seen: list[str] = Field(default=[], description="people on screen, by name where it is known")
    sounds: list[str] = Field(default=[], description="what is heard meanwhile")
    thumbnail: str | None = Field(default=None, description="path of a JPEG")
    report: str = Field(description="path of the asset's report")
    why: list[str] = Field(description="each part of the question, as it is answered here")


class MomentAnswer(BaseModel):
    question: MomentQuestion
    assets: int = Field(description="that were searched")
    notes: list[str] = Field(default=[], description="what was waited for and what could not be searched")
    moments: list[FoundMoment]

    def link(self, moment: FoundMoment) -> str:
        """The report at that second."""
        report = moment.report if "://" in moment.report else Path(moment.report).as_uri()
        return f"{report}#t={moment.start:.2f}"
