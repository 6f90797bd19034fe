"""Aligned crops of found faces and vectors to search them by, through the facenet image."""

from pathlib import Path

from prefect import task
from pydantic import BaseModel, Field

from containers.facenet.contract import AlignedFace, EmbedRequest, EmbedResult, Picture
from tasks.decode import Frame
from tasks.detect import FrameFaces
from tasks.invoke import invoke
from tasks.progress import advance
from tasks.stage import StageOutput

BATCH = 16  # pictures a call
FACEAPI_DESCRIPTOR = "faceapi"  # who made the vector when the store has no VGGFace2 network


class FaceVector(BaseModel):
    """One face of one frame: where it is cropped and the vector that stands for it."""

    time: float = Field(description="seconds")
    face: int = Field(description="which face of the frame, as in faces.json")
    crop: str | None = Field(description="URI of the aligned 160 x 160 JPEG")
    model: str = Field(description="catalogue id of the model that made the vector")
    vector: list[float]


class EmbeddedFaces(StageOutput):
    faces: list[FaceVector] = []

    @property
    def summary(self) -> str:
        models = ", ".join(sorted({face.model for face in self.faces}))
        return f"{len(self.faces)} vectors by {models}" if self.faces else "no faces"


@task
def embed(frames: list[Frame], detected: list[FrameFaces], folder: Path) -> EmbeddedFaces:
    """One vector per face: FaceNet's 512-d, or face-api's 128-d descriptor without its weights.

    Crops go to `folder`.
    """
    output = EmbeddedFaces()
    images = {frame.time: frame.image for frame in frames}
    filled = [frame for frame in detected if frame.faces]
    for first in range(0, len(filled), BATCH):
        batch = filled[first : first + BATCH]
        pictures = [
            Picture(image=images[frame.time], boxes=[face.detection.box for face in frame.faces])
            for frame in batch
        ]
        request = EmbedRequest(
            images=pictures,
            crops_uri=folder.as_uri(),
            result_uri=(folder / "embeddings.json").as_uri(),
        )
        answer = invoke("facenet", request, EmbedResult)
        output.add_cost(answer)
        for frame, picture in zip(batch, answer.value.images, strict=True):
            output.faces += _vectors(frame, picture.faces, answer.value.embedding_model)
        advance("embed", (first + len(batch)) / len(filled))
    return output


def _vectors(frame: FrameFaces, aligned: list[AlignedFace], model: str | None) -> list[FaceVector]:
    return [
        FaceVector(
            time=frame.time,
            face=number,
            crop=crop.crop,
            model=model if model and crop.embedding else FACEAPI_DESCRIPTOR,
            vector=crop.embedding if model and crop.embedding else face.descriptor,
        )
        for number, (face, crop) in enumerate(zip(frame.faces, aligned, strict=True))
    ]
