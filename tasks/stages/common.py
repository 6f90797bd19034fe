"""Options that belong to no single stage, and the mark of those that leave results as they are."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field


@dataclass(frozen=True)
class NotInKey:
    """Annotates an option that never changes what its stage finds, with the reason; every other one is in the
    key under which the stage's result is kept."""

    why: str


class StageOptions(BaseModel):
    """Base of every stage's options: what any of them may look at."""

    frame_rate: float = Field(
        default=1.0, gt=0, le=30, description="frames per second looked at for faces, at least"
    )
    audio_track: str | None = Field(
        default=None,
        description="audio track to listen to, by number or language (2, ger); the default one when empty",
    )
    pieces_at_once: Annotated[int, NotInKey("speed alone")] = Field(
        default=4, ge=1, description="pieces of a long recording sent to an image at once"
    )
    runtime: Literal["local", "aws"] | None = Field(
        default=None, description="where the images run; when empty what MEDIAFLOW_RUNTIME says, else local"
    )
    index: bool = Field(
        default=True, description="add faces and voices to the search index beside the assets"
    )
