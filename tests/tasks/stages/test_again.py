"""Where faces are looked for again, between samples."""

from itertools import pairwise

import pytest

from tasks.media.sheets import RATE
from tasks.stages.detect.again import LEAST, gaps
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.track import GAP, track_faces
from tests.tasks.stages.test_track import EYES, face

POINTS = [EYES.get(number, (50.0, 60.0)) for number in range(68)]  # turned to the camera


def film(*faces: tuple[float, int, float], blurred: bool = False) -> list[FrameFaces]:
    """A frame for each: time, person, change."""
    look = {"sharpness": 1.0} if blurred else {"landmarks": POINTS}
    return [
        FrameFaces(time=time, width=640, height=360, faces=[face(who, 400 * (n % 2), change, **look)])
        for n, (time, who, change) in enumerate(faces)
    ]


def spans(frames: list[FrameFaces], shots: list[float]) -> list[tuple[float, float]]:
    return gaps(frames, track_faces(frames, shots), shots)


def test_from_where_a_face_is_lost_to_where_one_like_it_is_found() -> None:
    assert spans(film((0, 0, 0), (2, 0, 0.6)), [0.0]) == [(0, 2)]


@pytest.mark.parametrize(
    ("frames", "shots", "why"),
    [
        (film((0, 0, 0), (2, 0, 0.2)), [0.0], "it is not lost"),
        (film((0, 0, 0), (2, 1, 0)), [0.0], "it is another face"),
        (film((0, 0, 0), (2, 0, 0.6)), [0.0, 1.5], "another shot began"),
        (film((0, 0, 0), (GAP + 1, 0, 0.6)), [0.0], "it was lost too long ago"),
        (film((0, 0, 0), (2, 0, 0.6), blurred=True), [0.0], "nobody can be told by it"),
    ],
)
def test_nowhere_else(frames: list[FrameFaces], shots: list[float], why: str) -> None:
    assert spans(frames, shots) == [], why


def test_those_most_alike_first_as_far_as_the_frames_go() -> None:
    frames = film(*((3.0 * n, 0, 0.6 * (n % 2) + 0.001 * n) for n in range(9)))
    found = spans(frames, [0.0])
    assert 0 < sum(end - start for start, end in found) <= LEAST / RATE
    assert found == sorted(found)
    assert all(before[1] < after[0] for before, after in pairwise(found))
