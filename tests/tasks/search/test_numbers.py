"""A number is found in whichever spelling it was said, by whichever it is asked for."""

from pathlib import Path

import pytest

from tasks.search.moments import find_moments
from tasks.search.numbers import spellings, value_of
from tasks.search.question import MomentQuestion
from tests.tasks.words.archive import publish

SAID = [
    "We asked for $43,000 then.",
    "It was forty-three thousand, they said.",
    "Das kostet dreiundvierzigtausend Euro.",
    "43.000 Euro im Jahr.",
    "사만 삼천 원입니다.",
    "4만 3천 원을 냈습니다.",
    "四万三千円です。",
    "quarante-trois mille euros",
    "About 43 thousand people came.",
]
ASKED = [
    "43,000",
    "43000",
    "43.000",
    "forty three thousand",
    "forty-three thousand",
    '"forty-three thousand"',
    "43 thousand",
    "dreiundvierzigtausend",
    "quarante-trois mille",
    "사만 삼천",
    "사만삼천",
    "4만 3천",
    "4만3천",
    "四万三千",
]
OTHERS = [
    "Forty of three thousand.",
    "430,000 people.",
    "사만 원입니다.",
    "In nineteen eighty-four.",
    "In 1984.",
    "v1.2",
    "One of 7.",
]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("numbers")
    said = [(text, 10.0 * place, 10.0 * place + 5) for place, text in enumerate([*SAID, *OTHERS])]
    publish(folder, "a" * 16, said)
    return folder


def find(output: Path, said: str) -> list[str]:
    answer = find_moments(output, MomentQuestion(said=said, k=50), say=pytest.fail)
    return sorted(moment.text for moment in answer.moments)


@pytest.mark.parametrize("asked", ASKED)
def test_every_spelling_finds_every_other(output: Path, asked: str) -> None:
    assert find(output, asked) == sorted(SAID)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("forty three thousand people", [SAID[8]]),
        ('"asked for forty three thousand"', [SAID[0]]),
        ("1984", ["In 1984.", "In nineteen eighty-four."]),
        ("nineteen eighty four", ["In 1984.", "In nineteen eighty-four."]),
        ("forty four", []),
        ("seven", ["One of 7."]),
        ('"1.2"', ["v1.2"]),
    ],
)
def test_a_number_among_other_words(output: Path, asked: str, found: list[str]) -> None:
    assert find(output, asked) == found


def test_how_it_was_said_stands_out(output: Path) -> None:
    found = find_moments(output, MomentQuestion(said="43000", k=50)).moments
    marked = {moment.text: [moment.text[start:end] for start, end in moment.marks] for moment in found}
    assert marked[SAID[0]] == ["43,000"]
    assert marked[SAID[1]] == ["forty-three thousand"]
    assert marked[SAID[4]] == ["사만 삼천"]
    assert "said: forty-three thousand, for 43000" in {why for moment in found for why in moment.why}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2,5 Millionen", 2_500_000),
        ("one hundred and five", 105),
        ("십이억 오천만", 1_250_000_000),
        ("1천 2백", 1200),
        ("100만", 1_000_000),
        ("3 Häuser", None),
        ("一百二十", 120),
        ("twenty twenty-six", 2026),
        ("vingt", 20),
        ("조사", None),  # a survey, not 10^12 and four
        ("조사 백만", None),
        ("once", None),  # eleven in Spanish
        ("ten five", None),
        ("이", None),
        ("hello", None),
        ("", None),
    ],
)
def test_what_is_a_number(text: str, value: int | None) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize("value", [10, 21, 99, 100, 105, 1000, 1234, 10_000, 43_210, 1_000_000, 20_500_000])
def test_spellings_are_read_back(value: int) -> None:
    read = {text: value_of(text) for text in spellings(value)}
    assert {text: got for text, got in read.items() if got not in (value, None)} == {}
    assert [got for got in read.values() if got == value][2:], "digits and both ways of English at least"
