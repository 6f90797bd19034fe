"""Faces in sampled frames and what they show, by the faceapi image."""

from pathlib import Path

from prefect import task

from tasks.calls.progress import advance
from tasks.media.decoded import Frame
from tasks.stages.detect.again import gaps, look_between
from tasks.stages.detect.batch import BATCH, detect_batch
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.options import DetectOptions
from tasks.stages.detect.track import Track, track_faces
from tasks.stages.output import StageOutput


class DetectedFaces(StageOutput):
    """Every sampled frame, those without faces too, by time, and its faces joined into tracks."""

    frames: list[FrameFaces] = []
    tracks: list[Track] = []

    @property
    def summary(self) -> str:
        faces = sum(len(frame.faces) for frame in self.frames)
        return f"{faces} faces in {len(self.frames)} frames, {len(self.tracks)} tracks"


@task
def detect(
    frames: list[Frame],
    shots: list[float],
    folder: Path,
    options: DetectOptions,
    media: Path | None = None,
    seekable: bool = True,
) -> DetectedFaces:
    """Boxes, landmarks, expressions, age, gender and a 128-d descriptor for every face of every frame.

    `shots`: when each shot starts, in seconds; a face is followed within one. With `media` it is looked at
    again, between frames, where a face may be the one that was lost before; `seekable`: as decoding said.
    """
    output = DetectedFaces()
    for first in range(0, len(frames), BATCH):
        batch = frames[first : first + BATCH]
        output.frames += detect_batch([(frame.time, frame.image) for frame in batch], folder, options, output)
        advance("detect", (first + len(batch)) / len(frames))
    output.tracks = track_faces(output.frames, shots)
    if media and (spans := gaps(output.frames, output.tracks, shots)):
        between = look_between(media, spans, seekable, folder / "between", options, output)
        output.tracks = track_faces(output.frames, shots, between)
    return output
