"""Aligned crops of each track's best samples and vectors to search them by, through the facenet image."""

from collections import defaultdict
from itertools import combinations, groupby
from pathlib import Path

import numpy as np
from prefect import task
from pydantic import BaseModel, Field

from containers.facenet.choice import choose_embedder
from containers.facenet.contract import AlignedFace, EmbedRequest, EmbedResult, Picture
from tasks.calls.invoke import invoke
from tasks.calls.progress import advance
from tasks.media.decoded import Frame
from tasks.people.matching import group_people
from tasks.stages.detect.face_quality import weight_of
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.track import Track
from tasks.stages.embed.options import EmbedOptions
from tasks.stages.output import StageOutput

BATCH = 16  # pictures a call
FACEAPI_DESCRIPTOR = "faceapi"  # who made the vector when the store has no network for it


class FaceVector(BaseModel):
    """One face of one frame: where it is cropped and the vector that stands for it."""

    time: float = Field(description="seconds")
    face: int = Field(description="which face of the frame, as in faces.json")
    track: int = Field(description="the face's track, as in faces.json")
    crop: str | None = Field(description="URI of the aligned 160 x 160 JPEG")
    model: str = Field(description="catalogue id of the model that made the vector")
    vector: list[float]
    quality: float | None = Field(default=None, description="0 to 1: how much it can tell")


class EmbeddedFaces(StageOutput):
    """Up to three faces a track, the best of a track first; `people`: track to person of this file, for those
    tracks on which it can be told.
    """

    faces: list[FaceVector] = []
    people: dict[int, str] = {}

    @property
    def summary(self) -> str:
        models = ", ".join(sorted({face.model for face in self.faces}))
        people = len(set(self.people.values()))
        unclear = len({face.track for face in self.faces} - self.people.keys())
        apart = f", {unclear} unclear" if unclear else ""
        return f"{people} people{apart}, {len(self.faces)} vectors by {models}" if self.faces else "no faces"


class _Chosen(BaseModel):
    """A best crop's place in frame, track and order."""

    time: float
    face: int
    track: int
    rank: int
    quality: float


@task
def embed(
    frames: list[Frame],
    detected: list[FrameFaces],
    tracks: list[Track],
    folder: Path,
    options: EmbedOptions | None = None,
) -> EmbeddedFaces:
    """A vector for each track's best faces: 512-d by the network chosen, else face-api's descriptor.

    Crops go to `folder`. Clear tracks whose vectors match are put together as one person.
    """
    output = EmbeddedFaces()
    images = {frame.time: frame.image for frame in frames}
    faces = {frame.time: frame.faces for frame in detected}
    chosen = sorted(
        (
            _Chosen(time=crop.time, face=crop.face, track=track.id, rank=rank, quality=crop.quality.overall)
            for track in tracks
            for rank, crop in enumerate(track.best)
        ),
        key=lambda crop: crop.time,
    )
    pictures = [(time, list(crops)) for time, crops in groupby(chosen, key=lambda crop: crop.time)]
    found: list[tuple[_Chosen, FaceVector]] = []
    for first in range(0, len(pictures), BATCH):
        batch = pictures[first : first + BATCH]
        request = EmbedRequest(
            images=[
                Picture(image=images[time], boxes=[faces[time][crop.face].detection.box for crop in crops])
                for time, crops in batch
            ],
            model=choose_embedder(options.face_model if options else None),
            crops_uri=folder.as_uri(),
            result_uri=(folder / "embeddings.json").as_uri(),
        )
        answer = invoke("facenet", request, EmbedResult)
        output.add_cost(answer)
        for (time, crops), picture in zip(batch, answer.value.images, strict=True):
            for crop, aligned in zip(crops, picture.faces, strict=True):
                descriptor = faces[time][crop.face].descriptor
                found.append((crop, _vector(crop, aligned, descriptor, answer.value.embedding_model)))
        advance("embed", (first + len(batch)) / len(pictures))
    found.sort(key=lambda pair: (pair[0].track, pair[0].rank))
    output.faces = [vector for _, vector in found]
    output.people = _people(tracks, output.faces)
    return output


def _vector(crop: _Chosen, aligned: AlignedFace, descriptor: list[float], model: str | None) -> FaceVector:
    by_facenet = model and aligned.embedding
    return FaceVector(
        time=crop.time,
        face=crop.face,
        track=crop.track,
        crop=aligned.crop,
        model=model if model and by_facenet else FACEAPI_DESCRIPTOR,
        vector=by_facenet or descriptor,
        quality=crop.quality,
    )


def _people(tracks: list[Track], faces: list[FaceVector]) -> dict[int, str]:
    """Track to person, PERSON_000 being seen first. Faces on screen at once are different people."""
    clear = [track for track in tracks if not track.unclear]
    if not clear:
        return {}
    own = {track: list(group) for track, group in groupby(faces, lambda face: face.track)}
    there: dict[float, list[int]] = defaultdict(list)
    for number, track in enumerate(clear):
        for seen in track.seen:
            there[seen.time].append(number)
    labels = group_people(
        [np.array([face.vector for face in own[track.id]]) for track in clear],
        faces[0].model,
        sorted({pair for together in there.values() for pair in combinations(together, 2)}),
        weights=[[weight_of(face.quality or 0.0) for face in own[track.id]] for track in clear],
    )
    return {track.id: f"PERSON_{label:03d}" for track, label in zip(clear, labels, strict=True)}
