"""Faces in sampled frames and what they show, by the faceapi image."""

from pathlib import Path

from prefect import task
from pydantic import BaseModel, Field

from containers.faceapi.contract import DetectRequest, DetectResult, Face
from tasks.decode import Frame
from tasks.invoke import invoke
from tasks.options import AnalyzeOptions
from tasks.progress import advance
from tasks.stage import StageOutput

BATCH = 16  # pictures a call: small enough for true progress and any time-out, large enough to be cheap


class FrameFaces(BaseModel):
    """The faces of one sampled frame; boxes are pixels of a `width` x `height` picture."""

    time: float = Field(description="seconds")
    width: int
    height: int
    faces: list[Face]


class DetectedFaces(StageOutput):
    """Every sampled frame, those without faces too, by time."""

    frames: list[FrameFaces] = []

    @property
    def summary(self) -> str:
        return f"{sum(len(frame.faces) for frame in self.frames)} faces in {len(self.frames)} frames"


@task
def detect(frames: list[Frame], folder: Path, options: AnalyzeOptions) -> DetectedFaces:
    """Boxes, landmarks, expressions, age, gender and a 128-d descriptor for every face of every frame."""
    output = DetectedFaces()
    for first in range(0, len(frames), BATCH):
        batch = frames[first : first + BATCH]
        request = DetectRequest(
            images=[frame.image for frame in batch],
            detector=options.detector,
            min_face=options.min_face,
            result_uri=(folder / "faces.json").as_uri(),
        )
        answer = invoke("faceapi", request, DetectResult)
        output.add_cost(answer)
        output.frames += [
            FrameFaces(time=frame.time, width=seen.width, height=seen.height, faces=seen.faces)
            for frame, seen in zip(batch, answer.value.images, strict=True)
        ]
        advance("detect", (first + len(batch)) / len(frames))
    return output
