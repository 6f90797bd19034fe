"""The faces of one sampled frame, as `faces.json` lists them."""

from pydantic import BaseModel, Field

from containers.common.documents.faces import Face


class FrameFaces(BaseModel):
    """Boxes and landmarks are pixels of a `width` x `height` picture."""

    time: float = Field(description="seconds")
    width: int
    height: int
    faces: list[Face]
