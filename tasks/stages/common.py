"""Options that belong to no single stage, and the mark of those that leave results as they are."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from tasks.media.part import Part, seconds_of


@dataclass(frozen=True)
class NotInKey:
    """Annotates an option that never changes what its stage finds, with the reason; every other one is in the
    key under which the stage's result is kept."""

    why: str


def _names(given: object) -> object:
    """Names between commas, as a command line gives them and as people type them into a form's items."""
    items = [given] if isinstance(given, str) else given
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        return given
    return [name.strip().lower() for item in items for name in item.split(",") if name.strip()]


# As a number or as a clock shows it; Prefect's form takes both.
Moment = Annotated[
    float,
    BeforeValidator(seconds_of),
    Field(ge=0, allow_inf_nan=False),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]}),
]
Names = Annotated[list[str], BeforeValidator(_names)]


class StageOptions(BaseModel):
    """Base of every stage's options: what any of them may look at."""

    only: Names = Field(
        default=[],
        description="stages or what they serve (speech, speakers, sounds, faces, pictures), with commas; "
        "all when empty",
    )
    skip: Names = Field(default=[], description="stages to leave out, or what they serve, with commas")
    start: Moment | None = Field(
        default=None, description="analyse from here, in seconds or as 1:02:03; the beginning when empty"
    )
    end: Moment | None = Field(
        default=None, description="to here; times in the results stay those of the whole; the end when empty"
    )
    frame_rate: float = Field(
        default=1.0, gt=0, le=30, description="frames per second looked at for faces, at least"
    )
    audio_track: str | None = Field(
        default=None,
        description="audio track to listen to, by number or language (2, ger); the default one when empty",
    )
    channels: Literal["mixed", "separate", "auto"] = Field(
        default="mixed",
        description="separate: each channel of the sound is one person's, as call centres record; auto: "
        "where two channels turn out to be so",
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

    @property
    def part(self) -> Part:
        """Of the media, that is analysed."""
        return Part(self.start or 0.0, self.end)
