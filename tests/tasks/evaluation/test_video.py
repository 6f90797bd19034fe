"""Faces in video, who is seen speaking, and people across videos: each figure worked out another way."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics.cluster import pair_confusion_matrix

from containers.common.documents.faces import AgeAndGender, Detection, Face
from containers.common.errors import UserError
from containers.faceapi.contract import Box
from tasks.evaluation import video
from tasks.evaluation.analysis import SeenVideo, people_of
from tasks.evaluation.faces import PAIRS, pairwise
from tasks.evaluation.on_screen import SeenFace, read_on_screen
from tasks.evaluation.statistics import estimate
from tasks.stages.detect.face_quality import FaceQuality
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.track import BestCrop, Seen, Spread, Track
from tasks.stages.link.run import Link

LEFT, RIGHT = (0.1, 0.2, 0.2, 0.3), (0.6, 0.2, 0.2, 0.3)


def face(box: tuple[float, float, float, float], score: float = 0.9) -> Face:
    x, y, width, height = (part * side for part, side in zip(box, (1000, 500) * 2, strict=True))
    return Face(
        detection=Detection(box=Box(x=x, y=y, width=width, height=height), score=score),
        expressions={"neutral": 1},
        ageAndGender=AgeAndGender(age=30, gender="female", genderProbability=1),
    )


def frame(time: float, *faces: Face) -> FrameFaces:
    return FrameFaces(time=time, width=1000, height=500, faces=list(faces))


def track(number: int, *seen: tuple[float, int], frames: list[FrameFaces]) -> Track:
    by_time = {one.time: one for one in frames}
    quality = FaceQuality.model_construct(overall=1.0)
    return Track.model_construct(
        id=number,
        start=seen[0][0],
        end=seen[-1][0],
        seen=[Seen(time=at, face=place, box=by_time[at].faces[place].detection.box) for at, place in seen],
        best=[BestCrop.model_construct(time=seen[0][0], face=seen[0][1], quality=quality)],
        age=Spread(mean=30, spread=0),
    )


def write(folder: Path, *rows: str) -> Path:
    (folder / "a.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder / "a.csv"


def test_truth_is_read_as_ava_writes_it(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "a,1.0,0.1,0.2,0.3,0.5,SPEAKING_AUDIBLE,Kate",
        "a,1.0,0.6,0.2,0.8,0.5,NOT_SPEAKING,Tom",
        "a,0.5,,,,,NOT_SPEAKING,",
        "b,1.0,0.6,0.2,0.8,0.5,NOT_SPEAKING,Tom",
    )
    read = read_on_screen(path, "a")
    assert list(read) == [0.5, 1.0] and read[0.5] == []
    assert [(one.person, one.speaks) for one in read[1.0]] == [("Kate", True), ("Tom", False)]
    assert read[1.0][0].box == pytest.approx(LEFT)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("a,1,0.3,0.2,0.1,0.5,NOT_SPEAKING,Kate", "line 1: video,seconds,x1"),
        ("a,1,0.1,0.2,300,0.5,NOT_SPEAKING,Kate", "line 1: video,seconds,x1"),
        ("a,nan,0.1,0.2,0.3,0.5,NOT_SPEAKING,Kate", "line 1: video,seconds,x1"),
        ("a,1,0.1,0.2,0.3,0.5,TALKING,Kate", "line 1: video,seconds,x1"),
        ("a,1,0.1", "line 1: video,seconds,x1"),
        ("", "marks nothing"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, row: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as told:
        read_on_screen(write(tmp_path, row))
    assert "\n" not in str(told.value)


def test_frames_are_held_against_what_is_marked_then() -> None:
    """Also frames in which nothing was found; those at which nothing is marked do not count."""
    truth = {1.0: [SeenFace(LEFT, "Kate", True)], 2.0: [SeenFace(LEFT, "Kate", True)]}
    frames = [frame(1.02, face(LEFT), face(RIGHT)), frame(2.0), frame(1.5, face(RIGHT))]
    rows = video.score_frames(truth, frames)
    assert [(row["found"], row["wrong"], row["missed"]) for row in rows] == [(1, 1, 0), (0, 0, 1)]
    table = pd.DataFrame([{"item": "a", **row} for row in rows])
    values = {one.name: estimate(table, one).value for one in video.MEASURES if one.table == "frames"}
    assert values == pytest.approx({"ap": 0.5, "count_error": 1.0}), "half of the faces, the surest is one"


def test_who_is_seen_speaking_is_counted_at_every_marked_time() -> None:
    frames = [frame(second, face(LEFT), face(RIGHT)) for second in (0.0, 1.0, 2.0, 3.0)]
    truth = {
        second / 10: [
            SeenFace(LEFT, "Kate", second < 20),
            SeenFace(RIGHT, "Tom", 10 <= second < 15),
        ]
        for second in range(40)
    }
    times = (0.0, 1.0, 2.0, 3.0)
    tracks = [track(place, *((at, place) for at in times), frames=frames) for place in (0, 1)]
    shown = video.owners(truth, frames, tracks)
    assert shown == {0: "Kate", 1: "Tom"}
    links = [
        Link(start=0, end=1.5, speaker="S0", track=0, evidence=2),
        Link(start=1.2, end=3.0, speaker="S1", track=1, evidence=2),
        Link(start=3.5, end=4.0, speaker="S1", track=7, evidence=2),
    ]
    row = video.score_speaking(truth, links, shown)
    right = 1.5 + 0.3  # Kate until 1.5, Tom from 1.2 to 1.5
    wrong = 1.5 + 0.5  # Tom from 1.5 to 3, and a face that is nobody's
    missed = 0.5 + 0.2  # Kate from 1.5 to 2, Tom from 1.0 to 1.2
    assert row == pytest.approx({"speaking": 2.5, "right": right, "wrong": wrong, "missed": missed})


def test_a_track_is_whom_most_of_its_boxes_are() -> None:
    frames = [frame(float(second), face(LEFT if second else RIGHT)) for second in range(3)]
    truth = {float(at): [SeenFace(LEFT, "Kate", False), SeenFace(RIGHT, "Tom", False)] for at in range(3)}
    one = track(4, (0.0, 0), (1.0, 0), (2.0, 0), frames=frames)
    assert video.owners(truth, frames, [one]) == {4: "Kate"}
    assert video.owners({0.0: []}, frames, [one]) == {}


def test_who_may_be_anybody_is_compared_with_none() -> None:
    assert video.is_known("Kate") and not video.is_known("Kate?")


def test_pairs_are_scikit_learns() -> None:
    random = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "item": random.integers(0, 5, 60),
            "session": random.integers(0, 2, 60),
            "person": random.integers(0, 6, 60),
            "cluster": random.integers(0, 8, 60),
        }
    )
    table = sum(pair_confusion_matrix(part["person"], part["cluster"]) for _, part in rows.groupby("session"))
    values = [measure.of(rows)(np.ones(60)) for measure in PAIRS]
    together = table[1, 1]
    assert values == pytest.approx([together / (together + table[0, 1]), together / (together + table[1, 0])])
    weights = random.integers(0, 3, 60).astype(float)
    pairs = list(combinations(range(60), 2))
    same = [
        (rows.loc[a, "session"] == rows.loc[b, "session"])
        and (rows.loc[a, "cluster"] == rows.loc[b, "cluster"])
        for a, b in pairs
    ]
    weight = np.array([weights[a] * weights[b] for a, b in pairs])
    right = [rows.loc[a, "person"] == rows.loc[b, "person"] for a, b in pairs]
    by_hand = (weight * same * np.array(right)).sum() / (weight * same).sum()
    assert pairwise("cluster")(rows)(weights) == pytest.approx(by_hand)
    assert np.isnan(pairwise("cluster")(rows.iloc[:0])(np.ones(0)))


def test_people_are_told_across_videos_as_everywhere_else() -> None:
    """Two videos of one face and of two others: one number for the one, others for the others."""

    def row(number: int, *vector: float) -> dict:
        about = {"kind": "face", "track": number, "time": 0.0, "shown": [0, 1], "quality": 1.0}
        return {"model": "faceapi", "vector": [*vector, *[0.0] * 124], "metadata": about}

    one = SeenVideo(frames=[], tracks=[], vectors=[row(0, 1, 0, 0, 0), row(1, 0, 1, 0, 0)])
    other = SeenVideo(
        frames=[],
        tracks=[Track.model_construct(id=0), Track.model_construct(id=9)],
        vectors=[row(0, 1, 0.05, 0, 0)],
    )
    numbers = people_of({"one": one, "other": other})
    assert numbers["one", 0] == numbers["other", 0]
    assert len({numbers["one", 0], numbers["one", 1], numbers["other", 9]}) == 3
