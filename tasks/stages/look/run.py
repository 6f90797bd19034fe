"""Sampled frames as vectors of whole pictures, by the facenet image: a still finds its look-alikes."""

from pathlib import Path

import numpy as np
from prefect import task
from pydantic import BaseModel, Field

from containers.facenet.contract import PHASH, LookRequest, LookResult
from tasks.calls.invoke import invoke
from tasks.calls.progress import advance
from tasks.media.decoded import Frame
from tasks.stages.output import StageOutput

BATCH = 64  # pictures a call
# Cosine of two hashes (24 of 256 bits) above which a frame shows what the frame kept before it shows. A
# picture coded badly, brightened or cut by 1 % at each side stays within it, another one is below 0.2.
NEAR_DUPLICATE = 1 - 2 * 24 / 256


class PictureVector(BaseModel):
    """One picture that stays on screen from `time` to `end`, and the vector that stands for it."""

    time: float = Field(description="seconds")
    end: float = Field(description="seconds; when its last near-duplicate was sampled")
    thumbnail: str | None = Field(description="URI of a small JPEG")
    model: str
    vector: list[float]


class SeenPictures(StageOutput):
    pictures: list[PictureVector] = []
    frames: int = 0

    @property
    def summary(self) -> str:
        models = ", ".join(sorted({picture.model for picture in self.pictures}))
        return (
            f"{len(self.pictures)} pictures in {self.frames} frames by {models}" if models else "no picture"
        )


@task
def look(frames: list[Frame], folder: Path, model: str) -> SeenPictures:
    """A vector by `model` for every sampled frame that is no near-duplicate of the one kept before it.

    Thumbnails go to `folder`.
    """
    output = SeenPictures(frames=len(frames))
    hashes: list[list[float]] = []
    for batch in _batches(frames):
        hashes += [seen.vector for seen in _look(batch, PHASH, None, output).images]
        advance("look", 0.5 * len(hashes) / len(frames))
    runs = group_near_duplicates(np.array(hashes))
    for batch in _batches(runs):
        answer = _look([frames[first] for first, _ in batch], model, folder.as_uri(), output)
        output.pictures += [
            PictureVector(
                time=frames[first].time,
                end=frames[last].time,
                thumbnail=seen.thumbnail,
                model=answer.model,
                vector=seen.vector,
            )
            for (first, last), seen in zip(batch, answer.images, strict=True)
        ]
        advance("look", 0.5 + 0.5 * len(output.pictures) / len(runs))
    return output


def group_near_duplicates(hashes: np.ndarray) -> list[tuple[int, int]]:
    """First and last frame of every run that shows the picture of its first frame.

    `hashes` (frames, 256), L2-normalised.
    """
    runs: list[tuple[int, int]] = []
    for number, vector in enumerate(hashes):
        if runs and hashes[runs[-1][0]] @ vector >= NEAR_DUPLICATE:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _batches(items: list) -> list[list]:
    return [items[first : first + BATCH] for first in range(0, len(items), BATCH)]


def _look(frames: list[Frame], model: str, folder: str | None, output: SeenPictures) -> LookResult:
    images = [frame.image for frame in frames]
    answer = invoke(
        "facenet", LookRequest(action="look", images=images, model=model, thumbnails_uri=folder), LookResult
    )
    output.add_cost(answer)
    return answer.value
