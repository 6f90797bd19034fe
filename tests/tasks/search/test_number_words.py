"""Numbers that a text says, where it says them: what the shelf's page is told of each recording."""

import pytest

from tasks.search.number_words import numbers_in
from tests.tasks.search.test_numbers import SAID


@pytest.mark.parametrize("text", SAID)
def test_a_number_is_found_however_it_is_said(text: str) -> None:
    assert [said.value for said in numbers_in(text)] in ([43_000], [])
    assert numbers_in(text) or "43" in text, "digits alone are terms already"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Forty of three thousand.", [(40, "Forty"), (3000, "three thousand")]),
        (
            "Between twenty twenty-six and 2,5 Millionen.",
            [(2026, "twenty twenty-six"), (2_500_000, "2,5 Millionen")],
        ),
        ("sieben Euro und zwanzig", [(20, "zwanzig")]),
        ("vingt et un ans", [(21, "vingt et un")]),
        ("이 사람은 이십 명과 4만3천원을", [(20, "이십"), (43_000, "4만3천")]),
        ("the one and only; e, y, et, and", []),
        ("조사 결과, once, elf, 3 Häuser, v1.2", []),
        ("", []),
    ],
)
def test_where_it_stands(text: str, found: list[tuple[int, str]]) -> None:
    assert [(said.value, text[said.start : said.end]) for said in numbers_in(text)] == found
