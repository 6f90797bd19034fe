"""Which sampled frames count as pictures of their own."""

import numpy as np

from tasks.outputs.documents import embedding_rows
from tasks.outputs.findings import Findings
from tasks.stages.look.run import PictureVector, SeenPictures, group_near_duplicates


def hashes(*pictures: str) -> np.ndarray:
    """A hash for each letter; `A` and `a` differ by 16 of 256 bits, other letters by about half."""
    made = []
    for picture in pictures:
        bits = np.random.default_rng(ord(picture.upper())).choice([-1.0, 1.0], 256)
        bits[:16] *= -1 if picture.islower() else 1
        made.append(bits / 16)
    return np.array(made)


def test_frames_that_stay_the_same_are_one_picture() -> None:
    assert group_near_duplicates(hashes("A", "a", "A", "B", "b")) == [(0, 2), (3, 4)]


def test_a_picture_that_comes_back_is_found_at_both_times() -> None:
    assert group_near_duplicates(hashes("A", "B", "A")) == [(0, 0), (1, 1), (2, 2)]


def test_no_frames() -> None:
    assert group_near_duplicates(np.array([])) == []
    assert SeenPictures().summary == "no picture"


def test_a_picture_becomes_a_row_that_says_when_it_is_seen_and_where_its_thumbnail_lies() -> None:
    picture = PictureVector(
        time=3,
        end=7,
        thumbnail="file:///out/.cache/a1/pictures/look-1/000%20003.jpg",
        model="phash-256",
        vector=[1.0],
    )
    (row,) = embedding_rows(Findings(pictures=[picture]))
    assert row["model"] == "phash-256"
    assert row["metadata"] == {
        "kind": "picture",
        "time": 3,
        "end": 7,
        "thumbnail": "pictures/look-1/000 003.jpg",
    }
