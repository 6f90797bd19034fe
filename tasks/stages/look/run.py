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
        models = sorted({picture.model for picture in self.pictures})
        if not models:
            return "no picture"
        pictures = len(self.pictures) // len(models)
        return f"{pictures} pictures in {self.frames} frames by {', '.join(models)}"


@task
def look(frames: list[Frame], folder: Path, models: list[str]) -> SeenPictures:
    """A vector by each of `models` for every sampled frame that is no near-duplicate of the one kept before.

    Thumbnails go to `folder`.
    """
    output = SeenPictures(frames=len(frames))
    hashes: list[list[float]] = []
    for batch in _batches(frames):
        hashes += [seen.vector for seen in _look(batch, PHASH, None, output).images]
        advance("look", 0.5 * len(hashes) / len(frames))
    runs = group_near_duplicates(np.array(hashes))
    for batch in _batches(runs):
        shown = [frames[first] for first, _ in batch]
        answers = [
            _look(shown, model, None if number else folder.as_uri(), output)
            for number, model in enumerate(models)
        ]
        output.pictures += [
            PictureVector(
                time=frames[first].time,
                end=frames[last].time,
                thumbnail=kept.thumbnail,
                model=answer.model,
                vector=seen.vector,
            )
            for answer in answers
            for (first, last), seen, kept in zip(batch, answer.images, answers[0].images, strict=True)
        ]
        advance("look", 0.5 + 0.5 * len(output.pictures) / (len(runs) * len(models)))
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
