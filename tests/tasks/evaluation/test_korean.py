"""Korean: numbers however they are written, and words whatever spaces are between them."""

import jiwer
import numpy as np
import pytest

from containers.common.documents.speech import Segment, Transcript
from tasks.evaluation.korean import read_numbers, spaced_alike
from tasks.evaluation.nist import Utterance
from tasks.evaluation.words import score_words


def scored(said: str, heard: str) -> dict:
    return score_words(
        [Utterance(said, None, None)], Transcript(segments=[Segment(start=0, end=1, text=heard)]), "ko"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("43,000원입니다", "사만 삼천 원입니다"),
        ("4만 3천 원", "사만삼천원"),
        ("스무 명이 세 시에", "20명이 3시에"),
        ("1만 명", "일만 명"),
        ("전화는 010-1234-5678", "전화는 공일공 일이삼사 오육칠팔"),
        ("3.5% 올랐다", "삼점오퍼센트 올랐다"),
        ("2024년 열두 달", "이천이십사 년 12달"),
    ],
)
def test_a_number_is_the_same_in_every_spelling(one: str, other: str) -> None:
    row = scored(one, other)
    assert (row["character_errors"], row["spaced_errors"]) == (0, 0)


@pytest.mark.parametrize("text", ["세계가 한편", "이 사람은 일을 한다", "네, 두고 보자"])
def test_words_that_only_begin_as_numbers_stay(text: str) -> None:
    assert read_numbers(text) == text


def test_spaces_alone_are_no_error() -> None:
    row = scored("그 바람에 나의 몸도 겹쳐 쓰러지며", "그바람에 나의 몸도 겹쳐쓰러 지며")
    assert row["errors"] > 0
    assert (row["spaced_errors"], row["spaced_words"]) == (0, 6)
    assert scored("나의 몸도", "나의몸또")["spaced_errors"] == 1, "one word was misheard, not two"
    assert scored("나의 몸도", "나의 몸도 아주 많이")["spaced_errors"] == 2


def test_words_spaced_as_the_reference_are_jiwers_words() -> None:
    """Whatever spaces a text gets, its words with the reference's spaces are right."""
    random = np.random.default_rng(0)
    letters = list("가나다라마바사아")
    for _ in range(50):
        words = ["".join(random.choice(letters, random.integers(1, 4))) for _ in range(8)]
        text = "".join(words)
        cuts = sorted(random.choice(np.arange(1, len(text)), min(5, len(text) - 1), replace=False))
        heard = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        assert jiwer.wer(" ".join(words), " ".join(spaced_alike(words, heard))) == 0


def test_other_languages_have_no_such_figure() -> None:
    found = Transcript(segments=[Segment(start=0, end=1, text="good day")])
    row = score_words([Utterance("good day", None, None)], found, "en")
    assert (row["spaced_words"], row["spaced_errors"]) == (0, 0)
