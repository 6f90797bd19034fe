"""Text as terms: what counts as the same word in which script."""

import pytest

from tasks.words.tokens import terms


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("The BUDGET", "budget"),
        ("Käse und Straße", "kase strasse"),
        ("\uff26\uff35\uff2c\uff2c width", "full"),
        ("$43,000", "43000"),
        ("43.000 Euro", "43000"),
        ("l'avion", "avion"),
        ("Привет, МИР", "мир"),
        ("Ελλάδα", "ελλαδα"),
        ("회의에서는", "회의"),
        ("회의에서는", "에서"),
        ("会議室で話す", "議室"),
        ("今天\uff0c我们", "我们"),
        ("ห้องประชุม", "ชุม"),
    ],
)
def test_what_is_asked_is_among_the_terms_of_what_was_said(said: str, asked: str) -> None:
    wanted = [term for term in terms(asked) if len(term) > 1]
    assert wanted and set(wanted) <= set(terms(said))


def test_a_number_is_not_its_neighbours() -> None:
    assert terms("1,2,3") == ["1", "2", "3"]
    assert terms("KBS뉴스 3월") == ["kbs", "뉴스", "스", "3", "월"]


def test_a_decomposed_syllable_is_the_composed_one() -> None:
    assert terms("회의") == terms("\u1112\u116c\u110b\u1174")


@pytest.mark.parametrize("text", ['"', "a\0b", "* OR NEAR(", "\U0001f600", "-", "a\u2028b"])
def test_no_term_can_be_a_command(text: str) -> None:
    assert all(term.isalnum() for term in terms(text))
