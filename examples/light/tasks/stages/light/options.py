"""What can be chosen about light."""

from pydantic import Field

from tasks.stages.common import StageOptions


class LightOptions(StageOptions):
    dark: float = Field(default=0.1, ge=0, le=1, description="frames below this much light are dark")
