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
    model: str | None = Field(None, description="catalogue id; the largest tagger in the store when not given")
    top_k: int = Field(10, ge=1, description="labels kept per window")
    threshold: float = Field(0.3, gt=0, lt=1, description="events score at least this")
    window: float = Field(10.0, gt=0, description="seconds analysed at once")
    hop: float = Field(5.0, gt=0, description="seconds between windows")
