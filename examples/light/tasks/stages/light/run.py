"""How light it is, by the lightmeter image."""

from prefect import task
from pydantic import BaseModel, Field

from containers.lightmeter.contract import LightRequest, LightResult
from tasks.calls.invoke import invoke
from tasks.media.decoded import Frame
from tasks.stages.light.options import LightOptions
from tasks.stages.output import StageOutput


class FrameLight(BaseModel):
    time: float = Field(description="seconds")
    light: float = Field(description="0 for black, 1 for white")
    dark: bool


class MeasuredLight(StageOutput):
    frames: list[FrameLight] = []

    @property
    def summary(self) -> str:
        return f"{sum(frame.dark for frame in self.frames)} of {len(self.frames)} frames are dark"


@task
def light(frames: list[Frame], options: LightOptions) -> MeasuredLight:
    """Light of every sampled frame."""
    request = LightRequest(images=[frame.image for frame in frames])
    answer = invoke("lightmeter", request, LightResult)
    output = MeasuredLight(
        frames=[
            FrameLight(time=frame.time, light=measured, dark=measured < options.dark)
            for frame, measured in zip(frames, answer.value.lights, strict=True)
        ]
    )
    output.add_cost(answer)
    return output
