"""Words in the letters of the aligner for all languages."""

import re

import pytest

from containers.whisperx.letters import UNTOLD, speller


@pytest.mark.parametrize(
    ("language", "word", "spelled"),
    [
        ("en", " Don't", "don't"),
        ("ko", " 회의는", "hoeyineun"),
        ("ru", " Привет,", "privet"),
        ("tr", " ışık", "ishik"),  # noqa: RUF001
        ("ja", "会議", "huiyi"),
        ("fr", " l’été-là", "l'etela"),  # noqa: RUF001
        ("en", " 12%", UNTOLD * 2),
        ("en", " --", UNTOLD),
        ("xx", " ...", UNTOLD),
    ],
)
def test_it_is_spelled(language, word, spelled):
    assert speller(language)(word) == spelled


def test_nothing_but_letters_comes_out():
    spell = speller("th")
    for word in ("สวัสดีครับ", "𝟘𝟙", "🙂", "٣٤", "ǅ", "a\u0301", "", " "):  # noqa: RUF001
        assert re.fullmatch(r"[a-z'*]+", spell(word)), word
