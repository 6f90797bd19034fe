"""Word errors as jiwer counts them, after a normaliser for the language; errors of times."""

import jiwer
import pytest

from containers.common.documents.speech import Segment, Transcript, Word
from tasks.evaluation.nist import Utterance
from tasks.evaluation.words import normaliser, score_words


def heard(*words: tuple[str, float, float]) -> Transcript:
    found = [Word(word=word, start=start, end=end, score=1) for word, start, end in words]
    text = " ".join(word.word for word in found)
    return Transcript(segments=[Segment(start=0, end=9, text=text, words=found)])


def test_counts_are_jiwers() -> None:
    said, found = "the cat sat on the mat today", "the cat sat in mat today again"
    row = score_words([Utterance(said, None, None)], heard(*((word, 0, 1) for word in found.split())), "de")
    theirs = jiwer.process_words(said, found)
    assert [row[name] for name in ("substitutions", "deletions", "insertions")] == [
        theirs.substitutions,
        theirs.deletions,
        theirs.insertions,
    ]
    assert row["errors"] / row["words"] == pytest.approx(jiwer.wer(said, found))
    without_spaces = said.replace(" ", ""), found.replace(" ", "")
    assert row["character_errors"] / row["characters"] == pytest.approx(jiwer.cer(*without_spaces))


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "I'm sure it costs twenty dollars.", "i am sure it costs $20"),
        ("en", "What colour?", "what color"),
        ("de", "Grüß Gott, Herr Müller!", "grüß gott herr müller"),
        ("ko", "안녕하세요, 반갑습니다.", "안녕하세요 반갑습니다"),
        ("ja", "東京、です。", "東京です"),
        ("hi", "नमस्ते, दुनिया!", "नमस्ते दुनिया"),
    ],
)
def test_what_is_only_spelled_otherwise_is_no_error(language: str, one: str, other: str) -> None:
    row = score_words(
        [Utterance(one, None, None)], Transcript(segments=[Segment(start=0, end=1, text=other)]), language
    )
    assert row["errors"] == 0


def test_accents_and_vowel_signs_are_not_lost() -> None:
    assert normaliser("de")("schön") != normaliser("de")("schon")
    assert normaliser("hi")("कि") != normaliser("hi")("की")


def test_scripts_without_spaces_are_counted_by_character() -> None:
    found = Transcript(segments=[Segment(start=0, end=1, text="東京へ")])
    row = score_words([Utterance("東京です", None, None)], found, "ja")
    assert (row["words"], row["errors"]) == (4, 2)


def test_words_where_nobody_speaks_are_errors() -> None:
    row = score_words([], heard(("thank", 0, 1), ("you", 1, 2)), "en")
    assert (row["words"], row["insertions"], row["errors"]) == (0, 2, 2)


def test_times_are_compared_where_the_reference_has_them() -> None:
    """An utterance has a start for its first word and an end for its last; misheard words have no time."""
    reference = [Utterance("Oh, hello there.", 1.0, 2.0), Utterance("Good bye", 3.0, 4.0)]
    found = heard(
        ("Oh,", 1.1, 1.3), ("hello", 1.4, 1.6), ("there.", 1.6, 1.9), ("good", 2.95, 3.2), ("by", 3.3, 3.9)
    )
    assert score_words(reference, found, "en")["time_errors"] == pytest.approx([0.1, -0.1, -0.05])
