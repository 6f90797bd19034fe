"""Where a person is, by name alone: no picture, no model and no index."""

from pathlib import Path

import numpy as np
import pytest

from containers.common.errors import UserError
from tasks.outputs.embeddings import write_embeddings
from tasks.people.edit import name_person
from tasks.search.answer import Answer, Question
from tasks.search.library import Library
from tasks.search.person import find_person

TALK, SHOW = "a" * 16, "b" * 16


def face(track: int, start: float, turn: float = 0.0) -> dict:
    """Kate's face, turned or not."""
    vector = np.eye(128)[0] * 0.7 + np.eye(128)[1] * turn
    about = {"kind": "face", "track": track, "time": start, "shown": [start, start + 5], "samples": 6}
    return {"model": "faceapi", "vector": vector.tolist(), "metadata": about}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Kate is in a talk, and twice in a show; who named one named them all."""
    for asset, rows in ((TALK, [face(0, 3.0)]), (SHOW, [face(0, 40.0, 0.3), face(1, 20.0, 0.1)])):
        (tmp_path / asset).mkdir()
        write_embeddings(tmp_path / asset / "embeddings.parquet", asset, rows)
        (tmp_path / asset / "manifest.json").write_text("{}")
    name_person(tmp_path, f"{TALK[:8]}:face0", "Kate")
    return Library(tmp_path)


def ask(library: Library, who: str = "Kate", **options: object) -> Answer:
    return find_person(library, Question.model_validate({"kind": "person", "query": who, **options}))


def test_a_name_finds_every_appearance_the_surest_first(library: Library) -> None:
    moments = ask(library).moments
    assert {moment.asset for moment in moments} == {TALK, SHOW}
    assert all(moment.person == "Kate" and moment.same for moment in moments)
    scores = [moment.score for moment in moments]
    assert scores == sorted(scores, reverse=True) and scores[0] == 1.0


def test_an_appearance_or_an_id_means_the_same_person(library: Library) -> None:
    named = ask(library).moments
    assert ask(library, f"{SHOW[:8]}:face1").moments == ask(library, "p1").moments == named


@pytest.mark.parametrize(
    ("options", "starts"),
    [
        ({"k": 1}, 1),
        ({"assets": ["bbbb"]}, 2),
        ({"start": 10, "end": 30}, 1),
        ({"min_score": 1.01}, 0),
    ],
)
def test_what_is_found_can_be_narrowed(library: Library, options: dict, starts: int) -> None:
    assert len(ask(library, **options).moments) == starts


def test_nobody_of_that_name_is_one_sentence(library: Library) -> None:
    with pytest.raises(UserError, match="Nobody is called 'Tom'"):
        ask(library, "Tom")
