"""The same person or not, and which of many faces are one person's."""

import numpy as np
import pytest

from containers.common.models.embeddings import embeddings, same_kind
from tasks.people.matching import compare_faces, group_people


def faces(*people: int, spread: float = 0.01, seed: int = 0) -> list[np.ndarray]:
    """Three vectors each of a person; other people's are 1 apart, in either model's measure."""
    random = np.random.default_rng(seed)
    return [np.eye(8, 128)[person] + random.normal(0, spread, (3, 128)) for person in people]


def test_two_vectors_match_within_the_models_threshold() -> None:
    one = np.eye(1, 128)[0]
    limit = embeddings()["faceapi"].limit
    assert compare_faces(one, one, "faceapi") == (True, 0)
    assert compare_faces(one, one + limit * 0.99 * np.eye(1, 128, 5)[0], "faceapi").same
    assert not compare_faces(one, one + limit * 1.01 * np.eye(1, 128, 5)[0], "faceapi").same


def test_facenet_is_compared_by_cosine_whatever_the_length() -> None:
    one, other = np.array([1.0, 0.0]), np.array([3.0, 3.0])
    found = compare_faces(one, other, "facenet-vggface2")
    assert found.distance == pytest.approx(1 - np.sqrt(0.5))
    assert found.same
    assert not compare_faces(one, [0.0, 2.0], "facenet-vggface2").same


@pytest.mark.parametrize("model", same_kind("face"))
def test_people_are_numbered_by_first_appearance(model: str) -> None:
    assert group_people(faces(3, 1, 3, 2, 1), model) == [0, 1, 0, 2, 1]


def test_faces_seen_at_once_are_never_one_person() -> None:
    twins = faces(0, 0, 0)
    assert group_people(twins, "faceapi") == [0, 0, 0]
    labels = group_people(twins, "faceapi", apart=[(0, 1)])
    assert labels[0] != labels[1]
    assert len(set(labels)) == 2


def test_a_stricter_threshold_parts_more() -> None:
    loose = faces(0, 0, spread=0.05)
    assert group_people(loose, "faceapi", threshold=2) == [0, 0]
    assert group_people(loose, "faceapi", threshold=0.01) == [0, 1]


def test_items_may_hold_any_number_of_vectors() -> None:
    (many,) = faces(0)
    assert group_people([many, many[:1], np.eye(8, 128)[4:5]], "faceapi") == [0, 0, 1]


def test_none_and_one() -> None:
    assert group_people([], "faceapi") == []
    assert group_people(faces(2), "faceapi") == [0]


def test_a_thousand_tracks_take_a_moment() -> None:
    people = np.random.default_rng(0).integers(0, 8, 1000)
    labels = group_people(faces(*people), "faceapi")
    assert len(set(zip(people.tolist(), labels, strict=True))) == len(set(labels)) == 8
