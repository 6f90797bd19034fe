"""What people type to find words, and what they find by it."""

from pathlib import Path

import pytest

from containers.common.errors import UserError
from tasks.search.moments import find_moments
from tasks.search.question import FoundMoment, MomentQuestion
from tests.tasks.words.archive import publish

SAID = {
    "en": [
        "The annual budget was approved.",
        "Budgets are never annual, they said.",
        "We drafted a proposal of $43,000 for the committee.",
        "Don't forget the well-known café.",
        "The car is art.",
    ],
    "ko": [
        "오늘 회의에서는 예산을 다룹니다.",
        "사회의 변화를 말합니다.",
        "다음 회의 시간은 세 시입니다.",
        "사람들은 행동으로 말합니다.",
        "돈이 없습니다.",
        "은행에서 대출을 받았습니다.",
    ],
    "ja": ["来週の会議室で予算を話します。", "東京都に行きました。"],
    "zh": ["我们今天开会讨论预算。"],
    "de": ["Die Straße führt über den Fluß.", "Das kostet 43.000 Euro."],
    "th": ["ห้องประชุมอยู่ชั้นสอง"],
}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("said")
    for number, (language, texts) in enumerate(SAID.items()):
        said = [(text, 10.0 * place, 10.0 * place + 5) for place, text in enumerate(texts)]
        publish(folder, f"{number}" * 16, said, language=language)
    return folder


def find(output: Path, said: str) -> list[FoundMoment]:
    return find_moments(output, MomentQuestion(said=said), say=pytest.fail if said == "" else print).moments


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("annual budget", [SAID["en"][0], SAID["en"][1]]),
        ('"annual budget"', [SAID["en"][0]]),
        ("BUDGET -never", [SAID["en"][0]]),
        ("draft", [SAID["en"][2]]),
        ("propos*", [SAID["en"][2]]),
        ("propsal", [SAID["en"][2]]),
        ("comittee", [SAID["en"][2]]),
        ("43000", [SAID["en"][2], SAID["de"][1]]),
        ("43,000", [SAID["en"][2], SAID["de"][1]]),
        ("don't", [SAID["en"][3]]),
        ("cafe", [SAID["en"][3]]),
        ('"well known"', [SAID["en"][3]]),
        ("car", [SAID["en"][4]]),
        ("strasse", [SAID["de"][0]]),
        ("예산", [SAID["ko"][0]]),
        ("예산은", [SAID["ko"][0]]),
        ("돈", [SAID["ko"][4]]),
        ("회의시간", [SAID["ko"][2]]),
        ('"다음 회의"', [SAID["ko"][2]]),
        ("은행", [SAID["ko"][5]]),
        ("会議", [SAID["ja"][0]]),
        ("予算", [SAID["ja"][0]]),
        ("京都", [SAID["ja"][1]]),
        ("开会", [SAID["zh"][0]]),
        ("预算 讨论", [SAID["zh"][0]]),
        ("ประชุม", [SAID["th"][0]]),
        ("zebra", []),
        ("annual zebra", []),
    ],
)
def test_words_of_every_script(output: Path, asked: str, found: list[str]) -> None:
    assert sorted(moment.text for moment in find(output, asked)) == sorted(found)


def test_two_korean_syllables_find_a_word_with_particles_before_one_that_holds_them(output: Path) -> None:
    found = find(output, "회의")
    assert [moment.text for moment in found] == [SAID["ko"][2], SAID["ko"][0], SAID["ko"][1]] or [
        moment.text for moment in found
    ] == [SAID["ko"][0], SAID["ko"][2], SAID["ko"][1]]
    assert found[0].score == found[1].score == 1 > found[2].score


def test_the_word_itself_comes_before_its_forms(output: Path) -> None:
    best, other = find(output, "budget")
    assert (best.text, other.text) == (SAID["en"][0], SAID["en"][1])
    assert best.score == 1 and other.why == ["said: budgets, for budget"]


def test_a_mistyped_word_says_what_it_was_taken_for(output: Path) -> None:
    (found,) = find(output, "propsal")
    assert found.why == ["said: proposal, for propsal"]
    assert [found.text[start:end] for start, end in found.marks] == ["proposal"]


def test_the_words_stand_out(output: Path) -> None:
    (found,) = find(output, '"annual budget"')
    assert [found.text[start:end] for start, end in found.marks] == ["annual budget"]
    found = find(output, "회의")[0]
    assert [found.text[start:end] for start, end in found.marks] == ["회의"]


@pytest.mark.parametrize(
    "asked",
    [
        '" OR budget',
        "budget*)",
        "terms : x",
        "context:by0kate budget",
        "NEAR(budget)",
        "(budget",
        "^budget",
        "{terms}: budget",
        'a" b',
        "budget\0",
        "'; DROP TABLE segments; --budget",
    ],
)
def test_what_is_typed_is_no_command(output: Path, asked: str) -> None:
    find(output, asked)
    assert len(find(output, "budget")) == 2


@pytest.mark.parametrize("asked", ["**", '""', "-budget", "!?", "\U0001f600"])
def test_no_word_at_all(output: Path, asked: str) -> None:
    with pytest.raises(UserError, match="has no word to look for"):
        find(output, asked)
