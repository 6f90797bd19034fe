"""Faces in pictures and what they show (specification 4.3)."""

from typing import Literal, Self

from pydantic import Field, model_validator

from containers.common.contract import Contract, Request
from containers.common.documents.faces import Face
from containers.common.media.box import Box


class PictureFaces(Contract):
    image: str = Field(description="URI of the picture")
    width: int
    height: int
    faces: list[Face]
    shapes: list[list[tuple[float, float]]] = Field(
        default=[], description="with boxes given: 68 landmarks for each of them, pixels of the picture"
    )


class DetectResult(Contract):
    """One entry per requested picture, in the order of the request."""

    images: list[PictureFaces]


class DetectRequest(Request):
    images: list[str] = Field(min_length=1, description="URIs of JPEG, PNG or WebP pictures")
    boxes: list[list[Box]] | None = Field(
        default=None,
        description="faces already found, for each picture: their landmarks alone are looked for",
    )
    detector: Literal["tiny", "ssd", "auto"] = Field(
        default="ssd", description="auto: ssd looks at the pictures that tiny is unsure of"
    )
    min_confidence: float = Field(default=0.4, gt=0, lt=1)
    input_size: int = Field(
        default=416, ge=128, le=1024, multiple_of=32, description="tiny detector only, pixels"
    )
    min_face: int = Field(default=20, ge=0, description="faces narrower than this many pixels are left out")
    landmarks: bool = True
    descriptor: bool = True

    @model_validator(mode="after")
    def _boxes_for_each(self) -> Self:
        if self.boxes is not None and len(self.boxes) != len(self.images):
            raise ValueError("boxes: one list for each of images is wanted")
        return self
