"""What can be chosen about telling speakers apart."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from containers.pyannote.contract import DiarizerName
from tasks.stages.common import NotInKey, StageOptions


class DiarizeOptions(StageOptions):
    diarizer: Annotated[DiarizerName, NotInKey("the weights that it chooses are")] = Field(
        default="auto",
        description="who tells the speakers apart: pyannote's community-1 or 3.1 or the starter models; "
        "auto: the best that the store has",
    )
    num_speakers: int | None = Field(default=None, ge=1, description="exact number of speakers, when known")
    min_speakers: int | None = Field(default=None, ge=1, description="at least this many speakers")
    max_speakers: int | None = Field(default=None, ge=1, description="at most this many speakers")

    @model_validator(mode="after")
    def _numbers_agree(self) -> Self:
        low, high = self.min_speakers or 1, self.max_speakers or 10**6
        if low > high:
            raise ValueError("min_speakers is larger than max_speakers")
        if self.num_speakers and not low <= self.num_speakers <= high:
            raise ValueError("num_speakers contradicts min_speakers or max_speakers")
        return self
