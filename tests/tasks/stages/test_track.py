"""Faces of sampled frames joined into tracks."""

import numpy as np
import pytest

from containers.common.documents.faces import AgeAndGender, Detection, Face
from containers.common.media.box import intersection_over_union
from containers.faceapi.contract import Box
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.track import Track, track_faces

PEOPLE = np.eye(4, 128) * 0.7  # descriptors 0.99 apart
EYES = {36: (30.0, 40.0), 45: (70.0, 40.0)}


def face(person: int, x: float, change: float = 0.0, **fields: object) -> Face:
    """A face 100 pixels wide; `change` moves its descriptor."""
    known = {
        "detection": Detection(box=Box(x=x, y=10, width=100, height=100), score=0.9),
        "expressions": {"happy": 0.75, "neutral": 0.25},
        "ageAndGender": AgeAndGender(age=30, gender="female", genderProbability=0.9),
        "descriptor": (PEOPLE[person] + np.eye(1, 128, 100)[0] * change).tolist(),
        "sharpness": 100.0,
    }
    return Face.model_validate(known | fields)


def film(*frames: list[Face], step: float = 1.0) -> list[FrameFaces]:
    return [
        FrameFaces(time=number * step, width=640, height=360, faces=faces)
        for number, faces in enumerate(frames)
    ]


def places(tracks: list[Track]) -> list[list[tuple[float, int]]]:
    return [[(seen.time, seen.face) for seen in track.seen] for track in tracks]


def test_a_face_that_stays_is_one_track() -> None:
    (track,) = track_faces(film([face(0, 0)], [face(0, 20)], [face(0, 40)]))
    assert (track.id, track.start, track.end) == (0, 0, 2)
    assert [seen.box.x for seen in track.seen] == [0, 20, 40]


def test_people_are_followed_whatever_order_the_detector_lists_them_in() -> None:
    tracks = track_faces(film([face(0, 0), face(1, 300)], [face(1, 310), face(0, 10)]))
    assert places(tracks) == [[(0, 0), (1, 1)], [(0, 1), (1, 0)]]


def test_people_who_swap_places_keep_their_tracks() -> None:
    tracks = track_faces(film([face(0, 0), face(1, 300)], [face(0, 300), face(1, 0)]))
    assert places(tracks) == [[(0, 0), (1, 0)], [(0, 1), (1, 1)]]


def test_another_face_in_the_same_place_is_another_track() -> None:
    assert len(track_faces(film([face(0, 0)], [face(1, 0)]))) == 2


def test_a_face_missed_for_a_moment_is_found_again() -> None:
    (track,) = track_faces(film([face(0, 0)], [], [], [face(0, 500)]))
    assert (track.start, track.end) == (0, 3)


def test_a_face_out_of_sight_for_longer_appears_anew() -> None:
    assert len(track_faces(film([face(0, 0)], *[[]] * 6, [face(0, 0)]))) == 2


def test_a_cut_ends_a_track_but_a_flash_does_not() -> None:
    there = film([face(0, 0)], [face(0, 200)])
    assert len(track_faces(there)) == 1
    assert len(track_faces(there, shots=[0, 1])) == 2
    assert len(track_faces(film([face(0, 0)], [face(0, 5)]), shots=[0, 1])) == 1


def test_a_turned_head_in_place_is_the_same_person() -> None:
    assert len(track_faces(film([face(0, 0)], [face(0, 0, change=0.7)]))) == 1
    assert len(track_faces(film([face(0, 0)], [face(0, 400, change=0.7)]))) == 2


def test_what_a_track_shows_has_a_mean_and_a_spread() -> None:
    old = AgeAndGender(age=40, gender="male", genderProbability=0.6)
    sad = {"happy": 0.25, "neutral": 0.75}
    (track,) = track_faces(film([face(0, 0)], [face(0, 0, ageAndGender=old, expressions=sad)]))
    assert (track.age.mean, track.age.spread) == (35, 5)
    assert (track.gender, track.genderProbability) == ("female", pytest.approx(0.65))
    assert (track.expressions["happy"].mean, track.expressions["happy"].spread) == (0.5, 0.25)


def test_the_best_crop_is_sharp_large_and_frontal() -> None:
    points = [(50.0, 50.0)] * 68
    frontal, turned = (
        [{**EYES, 30: (nose, 60.0)}.get(number, point) for number, point in enumerate(points)]
        for nose in (50.0, 66.0)
    )
    samples = {
        "blurred": face(0, 0, sharpness=2.0, landmarks=frontal),
        "good": face(0, 0, landmarks=frontal),
        "turned": face(0, 0, landmarks=turned),
        "small": face(
            0,
            0,
            landmarks=frontal,
            detection=Detection(box=Box(x=0, y=10, width=30, height=30), score=0.9),
        ),
    }
    (track,) = track_faces(film(*([sample] for sample in samples.values())))
    assert len(track.best) == 3
    assert list(samples)[int(track.best[0].time)] == "good"
    qualities = [crop.quality.overall for crop in track.best]
    assert qualities == sorted(qualities, reverse=True)
    assert track.best[0].quality.frontal == 1


def test_a_track_without_a_single_good_look_is_unclear() -> None:
    blurred = [[face(0, second, sharpness=0.5)] for second in range(2)]
    assert [track.unclear for track in track_faces(film(*blurred))] == [True]
    assert [track.unclear for track in track_faces(film(*blurred, [face(0, 2, sharpness=400.0)]))] == [False]


def test_without_faces_there_are_no_tracks() -> None:
    assert track_faces([]) == []
    assert track_faces(film([], [])) == []


def test_every_face_is_in_exactly_one_track() -> None:
    random = np.random.default_rng(0)
    frames = film(*([face(p, random.uniform(0, 500)) for p in random.permutation(4)] for _ in range(50)))
    tracks = track_faces(frames, shots=[0, 20, 30])
    seen = sorted(place for track in places(tracks) for place in track)
    assert seen == [(frame.time, number) for frame in frames for number in range(4)]


def test_overlap_of_boxes() -> None:
    box = Box(x=0, y=0, width=10, height=10)
    assert intersection_over_union(box.corners, box.corners) == 1
    assert intersection_over_union(box.corners, box.model_copy(update={"x": 5}).corners) == pytest.approx(
        1 / 3
    )
    assert intersection_over_union(box.corners, box.model_copy(update={"x": 10}).corners) == 0


def test_a_head_that_turns_is_followed_through_the_looks_between() -> None:
    """Beyond what makes two samples one face, and each look between them within it."""
    samples = [FrameFaces(time=time, width=640, height=360, faces=[face(0, 600 * time, 0.7 * time)])
               for time in (0.0, 1.0)]  # fmt: skip
    between = [
        FrameFaces(time=time, width=640, height=360, faces=[face(0, 600 * time, 0.7 * time)])
        for time in (0.0, 0.2, 0.4, 0.6, 0.8)
    ]
    assert places(track_faces(samples)) == [[(0, 0)], [(1, 0)]]
    assert places(track_faces(samples, between=between)) == [[(0, 0), (1, 0)]]
    assert len(track_faces(samples, shots=[0.0, 0.5], between=between)) == 2, "a cut ends it all the same"


def test_who_is_seen_between_samples_alone_is_nobody_and_takes_nobodys_place() -> None:
    samples = film([face(0, 0)], [face(0, 300)])
    passing = FrameFaces(time=0.5, width=640, height=360, faces=[face(0, 250, 0.6), face(1, 10)])
    assert places(track_faces(samples, between=[passing])) == [[(0, 0), (1, 0)]]
