"""What can be chosen about sound events."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from containers.audioset.contract import TaggerName
from containers.audioset.taggers import TAGGERS
from containers.common.ontology import check_names
from tasks.stages.common import NotInKey, StageOptions


def _split(text: object) -> object:
    """What a command line gives, names between semicolons (AudioSet's names have commas), as a list."""
    return [part.strip() for part in text.split(";") if part.strip()] if isinstance(text, str) else text


def _pairs(text: object) -> object:
    parts = _split(text)
    if not isinstance(parts, list):
        return parts
    return {name.strip(): value.strip() for name, _, value in (part.rpartition("=") for part in parts)}


def _known(names: Any) -> Any:
    check_names(names)
    return names


Names = Annotated[list[str], BeforeValidator(_split), AfterValidator(_known)]
Thresholds = Annotated[
    dict[str, Annotated[float, Field(gt=0, lt=1)]], BeforeValidator(_pairs), AfterValidator(_known)
]


class TagOptions(StageOptions):
    tag_model: Annotated[TaggerName, NotInKey("the weights that it chooses are")] = Field(
        default="auto",
        description="who tells the sounds: PANNs, CED or FireRed AED; auto: the best that the store has",
    )
    tag_mode: Literal["clip", "events"] = Field(
        default="clip", description="clip: sounds of whole windows; events: to the frame, by another model"
    )
    tag_only: Names = Field(
        default=[], description="sounds or families to look for, e.g. 'animals; music'; all when empty"
    )
    tag_threshold: float = Field(default=0.3, gt=0, lt=1, description="sound events score at least this")
    tag_thresholds: Thresholds = Field(
        default={}, description="other scores for sounds or families, e.g. 'animals=0.2; Bark=0.1'"
    )
    tag_top_k: int = Field(default=10, ge=1, description="sounds kept per window")
    tag_window: float = Field(
        default=10.0, ge=1, le=60, description="seconds that the large sound tagger hears at once"
    )
    tag_hop: float = Field(default=5.0, ge=0.1, le=60, description="seconds between its windows")

    @model_validator(mode="after")
    def _can_be_done(self) -> Self:
        if self.tag_model not in ("auto", *TAGGERS[self.tag_mode]):
            raise ValueError(
                f"{self.tag_model} does not tag {self.tag_mode}: {', '.join(TAGGERS[self.tag_mode])}"
            )
        if self.tag_hop > self.tag_window:
            raise ValueError("tag_hop is larger than tag_window")
        return self
