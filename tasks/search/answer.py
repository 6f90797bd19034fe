"""What a search was asked and what it found: the shape of `--json`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["face", "picture", "voice", "sound", "like", "person"]


class Question(BaseModel):
    """What to look for below which output folder. Prefect shows this as a form."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Field(description="what to look for")
    query: str = Field(description="a media file, for `like` an asset's id, for `person` a name or reference")
    k: int = Field(default=10, ge=1, le=200, description="matches at most")
    min_score: float | None = Field(default=None, description="only matches of at least this score")
    assets: list[str] = Field(default=[], description="only in these assets (ids, or how they begin)")
    start: float | None = Field(default=None, ge=0, description="only from this second of an asset on")
    end: float | None = Field(default=None, ge=0, description="only before this second of an asset")
    label: str | None = Field(
        default=None, description="only while this sound is heard, or this speaker or person is meant"
    )
    which: int | None = Field(
        default=None, ge=1, description="which of several faces (from the left) or voices (as first heard)"
    )
    at: float = Field(default=0.0, ge=0, description="second of a video from which the picture is taken")


class Moment(BaseModel):
    """One match: a face while it is on screen, a voice, a picture, a stretch of sound, or a whole asset."""

    score: float = Field(description="higher is nearer; `Answer.measure` says what it is")
    same: bool | None = Field(
        default=None, description="near enough to be the same; none where that is not known"
    )
    asset: str
    media: str = Field(description="the media file's name")
    kind: str
    label: str | None = Field(default=None, description="face3, SPEAKER_00: what `flows.people` is told")
    person: str | None = Field(default=None, description="the name, where the person is known")
    times: list[float] = Field(default=[], description="seconds, the nearest match first")
    end: float | None = Field(default=None, description="seconds, where the match is a stretch")
    thumbnail: str | None = Field(default=None, description="path of a JPEG")
    report: str = Field(description="path of the asset's report")
    parts: dict[str, float] = Field(default={}, description="`like` only: the score of each kind")


class Answer(BaseModel):
    question: Question
    model: str = Field(description="what made the vectors that were compared")
    measure: str
    assets: int = Field(description="analysed into the folder")
    moments: list[Moment]
