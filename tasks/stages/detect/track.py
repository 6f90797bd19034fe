"""Faces of sampled frames joined into tracks: one appearance of one person, with what it shows in sum.

Detections are assigned to open tracks by the Hungarian method on how far face descriptors lie apart and how
much boxes overlap, as in Wojke et al., "Simple Online and Realtime Tracking with a Deep Association Metric",
2017; sampled frames lie too far apart for its motion model.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from scipy.optimize import linear_sum_assignment

from containers.common.contract import Score
from containers.common.documents.faces import Face
from containers.common.media.box import intersection_over_union
from containers.faceapi.contract import Box
from tasks.stages.detect.face_quality import CLEAR, FaceQuality, measure_quality
from tasks.stages.detect.frame_faces import FrameFaces

# Distances of face-api's descriptors (benchmarks/faces.md has what they are for one and for two people).
SAME = 0.5  # the same face elsewhere in the same shot
SAME_PLACE = 0.75  # and where the box overlaps that of the sample before
SAME_AFTER_CUT = 0.45  # a cut ends a track, unless the same face stays where it was: a flash, a jump cut
OVERLAP = 0.3  # least intersection over union of boxes at the same place
HOLDS = 2.0  # seconds after which the same place says nothing any more
RECENT = 5  # samples of a track that another face is compared with
GAP = 5.0  # seconds out of sight, in one shot, that a track outlives
IN_PLACE = 0.3  # how much nearer, in descriptor distance, a fully overlapping box makes a face
CROPS = 3  # best crops of a track, one from each third of it


class Spread(BaseModel):
    """A quantity over all samples of a track."""

    mean: float
    spread: float = Field(ge=0, description="standard deviation")


class Seen(BaseModel):
    """A track's face in one sampled frame."""

    time: float = Field(description="seconds; the frame of faces.json with this time")
    face: int = Field(ge=0, description="which of that frame's faces")
    box: Box


class BestCrop(BaseModel):
    """A sample of a track by which its person is recognised."""

    time: float
    face: int = Field(ge=0)
    quality: FaceQuality


class Track(BaseModel):
    """One appearance of one person."""

    id: int = Field(ge=0, description="counted by first appearance")
    start: float = Field(description="seconds; first sample")
    end: float = Field(description="seconds; last sample")
    seen: list[Seen] = Field(min_length=1, description="by time")
    best: list[BestCrop] = Field(min_length=1, description="the best first")
    expressions: dict[str, Spread]
    age: Spread = Field(description="years")
    gender: str
    genderProbability: Score = Field(description="mean over the samples")
    unclear: bool = Field(default=False, description="too small, blurred or turned away to tell who it is")
    person: str | None = Field(
        default=None,
        description="PERSON_000: tracks of this file that show the same person; none where it is unclear",
    )
    name: str | None = Field(default=None, description="of the person, where it is known")
    speaker: str | None = Field(
        default=None, description="the voice of diarization.json that is this face's, where one was linked"
    )


def name_people(tracks: list[Track], people: dict[int, str]) -> list[Track]:
    """The tracks with the person that `people` names by the track's id."""
    return [track.model_copy(update={"person": people.get(track.id)}) for track in tracks]


class _Open:
    """A track still being followed."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []  # frame, face
        self.recent: deque[list[NDArray[np.float64]]] = deque(maxlen=RECENT)

    def add(self, frame: int, face: int, descriptor: NDArray[np.float64], sampled: bool) -> None:
        """`sampled`: it is a sample, or else a look between two."""
        self.seen.append((frame, face))
        if sampled or not self.recent:
            self.recent.append([])
        self.recent[-1].append(descriptor)

    def distance(self, descriptor: NDArray[np.float64]) -> float:
        """To the nearest of its last samples: a head that turns is unlike its own mean."""
        return min(float(np.linalg.norm(descriptor - known)) for sample in self.recent for known in sample)


def track_faces(
    frames: Sequence[FrameFaces], shots: Sequence[float] = (), between: Sequence[FrameFaces] = ()
) -> list[Track]:
    """Tracks by first appearance; every face of every frame is in exactly one.

    `frames` by time with descriptors; `shots` are the times at which shots start, in seconds. Through the
    frames `between` faces are followed, but no track tells of them.
    """
    times = {frame.time for frame in frames}
    sampled = {round(time, 2) for time in times}
    looked = [*frames, *(frame for frame in between if round(frame.time, 2) not in sampled)]
    looked.sort(key=lambda frame: frame.time)
    followed = [
        [(frame, face) for frame, face in track.seen if looked[frame].time in times]
        for track in _follow(looked, shots, times)
    ]
    return [_describe(seen, number, looked) for number, seen in enumerate(filter(None, followed))]


def _follow(frames: Sequence[FrameFaces], shots: Sequence[float], sampled: set[float]) -> list[_Open]:
    """Tracks in the order of their first faces; `sampled`: times of the frames that are samples."""
    tracks: list[_Open] = []
    for number, frame in enumerate(frames):
        if not frame.faces:
            continue
        alive = [track for track in tracks if frame.time - frames[track.seen[-1][0]].time <= GAP]
        costs = np.array(
            [[_cost(track, frames, shots, frame, face) for face in frame.faces] for track in alive]
        ).reshape(len(alive), len(frame.faces))
        owners = _assign(costs)
        for face, found in enumerate(frame.faces):
            if face not in owners and frame.time not in sampled:
                continue  # who is not in a sample is nobody
            track = alive[owners[face]] if face in owners else _Open()
            if face not in owners:
                tracks.append(track)
            track.add(number, face, np.array(found.descriptor), frame.time in sampled)
    return tracks


def _cost(
    track: _Open, frames: Sequence[FrameFaces], shots: Sequence[float], frame: FrameFaces, face: Face
) -> float:
    """How unlike the track's next sample a face is; infinite where it cannot be."""
    last, which = track.seen[-1]
    before = frames[last]
    distance = track.distance(np.array(face.descriptor))
    overlap = intersection_over_union(before.faces[which].detection.box.corners, face.detection.box.corners)
    cut = any(before.time < start <= frame.time for start in shots)
    if frame.time - before.time > HOLDS:
        overlap = 0.0
    if cut:
        limit = SAME_AFTER_CUT if overlap >= OVERLAP else -1.0
    else:
        limit = SAME_PLACE if overlap >= OVERLAP else SAME
    return distance - IN_PLACE * overlap if distance <= limit else np.inf


def _assign(costs: NDArray[np.float64]) -> dict[int, int]:
    """Face to track, each at most once: as many pairs as possible, then those of least cost in sum."""
    if not costs.size:
        return {}
    finite = np.where(np.isfinite(costs), costs, 1e3)
    pairs = zip(*linear_sum_assignment(finite), strict=True)
    return {int(face): int(track) for track, face in pairs if np.isfinite(costs[track, face])}


def _describe(places: Sequence[tuple[int, int]], number: int, frames: Sequence[FrameFaces]) -> Track:
    """Of a track's places: frame and face."""
    seen = [
        Seen(time=frames[frame].time, face=face, box=frames[frame].faces[face].detection.box)
        for frame, face in places
    ]
    faces = [frames[frame].faces[face] for frame, face in places]
    crops = [
        BestCrop(time=shown.time, face=shown.face, quality=measure_quality(face))
        for shown, face in zip(seen, faces, strict=True)
    ]
    edges = np.linspace(0, len(crops), min(CROPS, len(crops)) + 1).round().astype(int)
    best = [max(crops[first:last], key=_overall) for first, last in pairwise(edges)]
    shown = defaultdict(list)
    for face in faces:
        for label, score in face.expressions.items():
            shown[label].append(score)
    best.sort(key=_overall, reverse=True)
    female = float(np.mean([_female(face) for face in faces]))
    return Track(
        id=number,
        start=seen[0].time,
        end=seen[-1].time,
        seen=seen,
        best=best,
        unclear=_overall(best[0]) < CLEAR,
        expressions={label: _spread(scores) for label, scores in shown.items()},
        age=_spread([face.ageAndGender.age for face in faces]),
        gender="female" if female >= 0.5 else "male",
        genderProbability=round(max(female, 1 - female), 6),
    )


def _overall(crop: BestCrop) -> float:
    return crop.quality.overall


def _female(face: Face) -> float:
    guess = face.ageAndGender
    return guess.genderProbability if guess.gender == "female" else 1 - guess.genderProbability


def _spread(values: list[float]) -> Spread:
    return Spread(mean=round(float(np.mean(values)), 6), spread=round(float(np.std(values)), 6))
