"""Sound events: audio in, labels with times out (specification 7.4)."""

from pydantic import Field

from containers.common.contract import Contract, Request, Score, Seconds


class Prediction(Contract):
    label: str = Field(description="an AudioSet display name")
    score: Score
    start_time: Seconds
    end_time: Seconds


class Tags(Contract):
    """`tags.json`, by start time."""

    predictions: list[Prediction]


class TagRequest(Request):
    audio: str = Field(description="URI of audio in any container and codec")
    model: str | None = Field(
        default=None, description="catalogue id; the largest tagger in the store when not given"
    )
    top_k: int = Field(
        default=10, ge=1, description="labels kept per window (Cnn14) or per recording (FireRed AED)"
    )
    threshold: float = Field(default=0.3, gt=0, lt=1, description="predictions score at least this")
    window: float = Field(default=10.0, ge=1, description="Cnn14 only: seconds analysed at once")
    hop: float = Field(
        default=5.0, ge=0.1, description="Cnn14 only: seconds between windows, at most `window`"
    )
