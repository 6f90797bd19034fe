"""`tags.json`: what was heard."""

from typing import Literal

from pydantic import Field

from containers.common.contract import Contract, Score, Seconds

Family = Literal["music", "speech", "nature", "man-made"]


class Prediction(Contract):
    label: str = Field(description="an AudioSet display name")
    score: Score
    start_time: Seconds
    end_time: Seconds
    family: Family | None = Field(default=None, description="none for classes that belong to no family")
    parents: list[str] = Field(default=[], description="classes above the label in AudioSet's ontology")


class Tags(Contract):
    """`tags.json`, by start time."""

    predictions: list[Prediction]
    embeddings: str | None = Field(
        default=None, description="URI of the windows' vectors, where asked for and the model makes some"
    )
