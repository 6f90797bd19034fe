"""What can be chosen about faces."""

from typing import Literal

from pydantic import Field

from tasks.stages.common import StageOptions


class DetectOptions(StageOptions):
    detector: Literal["tiny", "ssd", "auto"] = Field(
        default="ssd", description="tiny is faster, ssd finds more faces, auto: ssd where tiny is unsure"
    )
    face_threshold: float = Field(default=0.4, gt=0, lt=1, description="faces score at least this")
    min_face: int = Field(default=20, ge=0, description="faces narrower than this many pixels are left out")
