"""A face in `faces.json`, and what it shows."""

from typing import Literal

from pydantic import Field

from containers.common.contract import Contract, Score
from containers.common.media.box import Box


class Detection(Contract):
    box: Box
    score: Score


class AgeAndGender(Contract):
    age: float = Field(ge=0, description="years")
    gender: Literal["female", "male"]
    genderProbability: Score


class Face(Contract):
    detection: Detection
    expressions: dict[str, Score] = Field(
        description="neutral, happy, sad, angry, fearful, disgusted, surprised; they sum to 1"
    )
    ageAndGender: AgeAndGender
    landmarks: list[tuple[float, float]] = Field(
        default=[], description="68 points (x, y) in pixels, iBUG 300-W order"
    )
    sharpness: float = Field(
        default=0, ge=0, description="variance of the Laplacian of the face at 96 x 96, grey levels squared"
    )
    descriptor: list[float] = Field(
        default=[], description="128-d face descriptor, compared by Euclidean distance"
    )
