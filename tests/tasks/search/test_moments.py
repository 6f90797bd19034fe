"""One question over what is said, who says it, what is heard and who is seen."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from containers.common.errors import UserError
from tasks.outputs.embeddings import write_embeddings
from tasks.search.moments import find_moments
from tasks.search.moments_page import headline, write_moments
from tasks.search.question import FoundMoment, MomentQuestion
from tests.tasks.words.archive import publish

MEETING, SHOW = "a" * 16, "b" * 16


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kate and Tom speak of the budget, at a meeting and in a show with applause."""
    folder = tmp_path_factory.mktemp("archive")
    publish(
        folder,
        MEETING,
        [
            ("The budget is small.", 0.0, 4.0, "SPEAKER_00"),
            ("No, the budget is large.", 5.0, 9.0, "SPEAKER_01"),
            ("예산이 작습니다.", 10.0, 14.0, "SPEAKER_00", "ko"),
        ],
        names={"SPEAKER_00": "Kate", "SPEAKER_01": "Tom"},
        seen=[("Tom", 0.0, 6.0)],
        recorded={"at": "2025-12-31T23:59:59+09:00", "by": "creation_time"},
    )
    publish(
        folder,
        SHOW,
        [("And the budget?", 20.0, 22.0, "SPEAKER_00"), ("The budget, again.", 40.0, 42.0, "SPEAKER_00")],
        names={"SPEAKER_00": "Kate"},
        heard=[("Applause", 19.0, 21.0), ("Heart sounds, heartbeat", 50.0, 55.0), ("Rock music", 50.0, 52.0)],
        seen=[("Tom", 18.0, 30.0), ("Kate", 51.0, 60.0)],
        recorded={"at": "2026-01-01T00:30:00+09:00", "by": "file time"},
    )
    return folder


def find(output: Path, **question: object) -> list[FoundMoment]:
    return find_moments(output, MomentQuestion.model_validate(question), say=pytest.fail).moments


def places(found: list[FoundMoment]) -> list[tuple[str, float]]:
    return sorted((moment.asset, moment.start) for moment in found)


@pytest.fixture(scope="module", autouse=True)
def indexed(output: Path) -> None:
    find_moments(output, MomentQuestion(said="budget"), say=print)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({"said": "budget"}, [(MEETING, 0), (MEETING, 5), (SHOW, 20), (SHOW, 40)]),
        ({"said": "budget", "by": "kate"}, [(MEETING, 0), (SHOW, 20), (SHOW, 40)]),
        ({"said": "budget", "by": "SPEAKER_01"}, [(MEETING, 5)]),
        ({"said": "budget", "heard": "applause"}, [(SHOW, 20)]),
        ({"said": "budget", "seen": "Tom"}, [(MEETING, 0), (MEETING, 5), (SHOW, 20)]),
        ({"said": "budget", "by": "Kate", "heard": "applause", "seen": "Tom"}, [(SHOW, 20)]),
        ({"said": "budget", "by": "Tom", "heard": "applause"}, []),
        ({"by": "Kate", "language": "Korean"}, [(MEETING, 10)]),
        ({"language": "ko"}, [(MEETING, 10)]),
        ({"said": "budget", "after": date(2026, 1, 1)}, [(SHOW, 20), (SHOW, 40)]),
        ({"said": "budget", "before": date(2026, 1, 1)}, [(MEETING, 0), (MEETING, 5)]),
        ({"said": "budget", "assets": ["b"]}, [(SHOW, 20), (SHOW, 40)]),
        ({"said": "budget", "start": 10.0, "end": 30.0}, [(SHOW, 20)]),
        ({"heard": "applause"}, [(SHOW, 19)]),
        ({"heard": "music", "seen": "Kate"}, [(SHOW, 51)]),
        ({"heard": "heartbeat"}, [(SHOW, 50)]),
        ({"heard": "박수"}, [(SHOW, 19)]),
        ({"heard": "拍手", "said": "budget"}, [(SHOW, 20)]),
        ({"seen": "Tom"}, [(MEETING, 0), (SHOW, 18)]),
        ({"seen": "PERSON_000"}, [(MEETING, 0), (SHOW, 18)]),
        ({"seen": "person 1"}, [(MEETING, 0), (SHOW, 18)]),
        ({"said": "budget", "by": "Speaker 2"}, [(MEETING, 5)]),
    ],
)
def test_every_part_may_be_left_out_and_all_that_are_given_hold(output, question, found) -> None:
    assert places(find(output, **question)) == found


def test_a_moment_says_what_it_is_and_why(output: Path) -> None:
    (found,) = find(output, said="budget", by="Kate", heard="applause", seen="Tom")
    assert (found.media, found.start, found.end, found.text) == ("b.mp4", 20, 22, "And the budget?")
    assert (found.by, found.speaker, found.seen, found.sounds) == (
        "Kate",
        "SPEAKER_00",
        ["Tom"],
        ["Applause"],
    )
    assert found.why == ["said: budget", "by Kate", "heard: Applause", "seen: Tom"]
    assert found.report == str(output / SHOW / "report.html")
    first = find(output, said='"budget is large"')[0]
    assert first.context == ("The budget is small.", "예산이 작습니다.")


def test_it_says_when_it_was_recorded_and_what_says_so(output: Path, tmp_path: Path) -> None:
    """The day is that of the camera's own clock: in Korea it was a new year for half an hour."""
    publish(tmp_path, MEETING, [("The budget.", 0.0, 4.0)], created="2026-05-01T12:00:00Z")  # of before
    (analysed,) = find_moments(tmp_path, MomentQuestion(said="budget", after=date(2026, 5, 1)), print).moments
    (told,) = find(output, said="budget", by="Tom", before=date(2026, 1, 1))
    file = find(output, said="budget", after=date(2026, 1, 1))[0]
    assert [(each.day, each.dated, each.why[-1]) for each in (told, file, analysed)] == [
        (date(2025, 12, 31), "media", "recorded 2025-12-31"),
        (date(2026, 1, 1), "file", "its file is dated 2026-01-01"),
        (date(2026, 5, 1), "analysis", "analysed 2026-05-01"),
    ]


def test_who_is_both_is_where_both_are(output: Path) -> None:
    (found,) = find(output, heard="Rock music", seen="Kate")
    assert (found.start, found.end, found.text) == (51, 52, "")


def test_somebody_may_be_called_as_people_without_a_name_are_shown(tmp_path: Path) -> None:
    said = [("The budget.", 0.0, 4.0, "SPEAKER_00"), ("The weather.", 5.0, 9.0, "SPEAKER_01")]
    publish(tmp_path, MEETING, said, names={"SPEAKER_00": "Speaker 2", "SPEAKER_01": "Tom"})
    publish(tmp_path, SHOW, [("And who am I?", 0.0, 4.0, "SPEAKER_01")])
    assert {(MEETING, 0.0), (SHOW, 0.0)} <= set(places(find(tmp_path, by="Speaker 2")))
    assert places(find(tmp_path, by="Tom")) == [(MEETING, 5.0)]


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ({"by": "Kat"}, "Nobody called 'Kat' is heard: there is Kate"),
        ({"seen": "Lucy"}, "Nobody called 'Lucy' is seen: there is "),
        ({"seen": "Person 9"}, "Nobody called 'Person 9' is seen: there is .*Person 1"),
        ({"heard": "aplause"}, "No sound is called 'aplause': there is Applause"),
        ({"language": "xx"}, "Whisper does not know the language 'xx'"),
        ({"said": "x", "assets": ["f"]}, "There is no asset 'f'"),
    ],
)
def test_what_is_not_there_is_one_sentence(output: Path, question: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        find(output, **question)


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"said": " "},
        {"said": "x", "start": 5, "end": 2},
        {"said": "x", "k": 0},
        {"said": "x", "unknown": 1},
    ],
)
def test_a_question_that_is_none(question: dict) -> None:
    with pytest.raises(ValidationError):
        MomentQuestion.model_validate(question)


def test_the_page_shows_what_others_wrote_and_runs_none_of_it(output: Path, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script> & budget"
    publish(tmp_path, MEETING, [(evil, 1.0, 2.0)], names={"SPEAKER_00": "<b>Kate"})
    answer = find_moments(tmp_path, MomentQuestion(said="budget"), say=print)
    write_moments(answer, tmp_path / "found.html")
    text = (tmp_path / "found.html").read_text(encoding="utf-8")
    assert "<script" not in text and "&lt;script&gt;" in text and "<b>" not in text
    assert "&amp; <mark>budget</mark>" in text
    assert f'href="{MEETING}/report.html#t=1.00"' in text


def test_the_headline_is_the_question() -> None:
    asked = MomentQuestion(said="budget", by="Kate", heard="applause", after=date(2026, 1, 1))
    assert headline(asked) == "“budget” by Kate while applause after 2026-01-01"


@pytest.mark.parametrize(("thumbnail", "shown"), [("pictures/1.jpg", True), ("../../secret.jpg", False)])
def test_the_picture_that_is_on_screen(tmp_path: Path, thumbnail: str, shown: bool) -> None:
    out = tmp_path / "out"
    publish(out, MEETING, [("The budget.", 6.7, 6.9)])
    about = {"kind": "picture", "time": 6.0, "end": 6.0, "thumbnail": thumbnail}
    row = {"model": "phash", "vector": [1.0], "metadata": about}
    write_embeddings(out / MEETING / "embeddings.parquet", MEETING, [row])
    picture = out / ".cache" / MEETING / "pictures" / "1.jpg"
    picture.parent.mkdir(parents=True)
    for path in (picture, tmp_path / "secret.jpg"):
        path.write_bytes(b"a picture")
    (found,) = find_moments(out, MomentQuestion(said="budget"), say=print).moments
    assert found.thumbnail == (str(picture) if shown else None)
