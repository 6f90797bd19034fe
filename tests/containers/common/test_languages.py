"""Languages may be named as people name them."""

import pytest

from containers.common.languages import CODES, to_code, to_codes


@pytest.mark.parametrize(
    ("given", "code"), [("Spanish", "es"), ("KO", "ko"), (" haitian creole ", "ht"), ("yue", "yue")]
)
def test_a_name_or_a_code_in_any_case(given, code):
    assert to_code(given) == code


def test_several_with_commas():
    assert to_codes("Korean, en,ko") == "ko,en"
    assert to_codes("") is None and to_codes(None) is None


def test_a_language_that_there_is_not():
    with pytest.raises(ValueError, match="does not know the language 'klingon'"):
        to_codes("en,klingon")


def test_these_are_whisper_s_languages():
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    assert set(_LANGUAGE_CODES) == CODES
