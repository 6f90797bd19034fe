"""Voice that Whisper left without words is heard again, and what is not speech is not believed."""

import pytest

from containers.common.contract import Span
from containers.whisperx.rests import Rest, believe, find_rests
from containers.whisperx.segments import longest_usual
from containers.whisperx.sentences import HeardWord
from containers.whisperx.speech import Stretch
from containers.whisperx.words import Hypothesis


def spans(*pairs: tuple[float, float]) -> list[Span]:
    return [Span(start=start, end=end) for start, end in pairs]


def stretch(*voiced: tuple[float, float]) -> Stretch:
    return Stretch(Span(start=voiced[0][0], end=voiced[-1][1]), spans(*voiced))


def said(*words: tuple[str, float, float], probability: float = 0.9) -> list[HeardWord]:
    return [HeardWord(f" {word}", start, end, probability) for word, start, end in words]


HELLO = said(("Hello", 0, 0.4), ("there.", 0.5, 0.9))


def test_a_stretch_that_ended_early():
    assert find_rests(HELLO, stretch((0, 2.0))) == [], "a last word may be drawn out"
    (rest,) = find_rests(HELLO, stretch((0, 10.0)))
    assert rest.since == pytest.approx(1.2) and rest.stretch.span.end == 10
    assert rest.stretch.voiced == [Span(start=rest.since, end=10)]


def test_a_middle_and_a_beginning_that_were_passed_over():
    words = said(("and", 4, 4.2), ("so", 4.3, 4.5), ("on.", 9, 9.4))
    first, middle = find_rests(words, stretch((0, 9.5)))
    assert (first.stretch.voiced[0].start, first.stretch.voiced[-1].end) == (0, pytest.approx(3.7))
    assert (middle.since, middle.stretch.voiced[-1].end) == (pytest.approx(4.8), pytest.approx(8.7))


def test_a_last_word_over_all_that_was_left_out_covers_no_more_than_a_word_lasts():
    words = said(("Hello", 0, 0.4), ("there.", 0.5, 10))
    (rest,) = find_rests(words, stretch((0, 10)))
    assert rest.since < 2.0
    assert longest_usual(" 555-1234.") > 2.5, "each digit is read out"


def test_a_cry_of_its_own_comes_with_the_voice_before_it():
    calls = said(("Stand", 0, 0.4), ("back.", 0.4, 2.0), ("Stand", 2.6, 3.0), ("back.", 3.0, 3.4))
    voiced = ((0, 0.8), (1.2, 2.0), (2.6, 3.4))
    (rest,) = find_rests(calls, stretch(*voiced))
    assert rest.since == 1.2
    assert rest.stretch.voiced == spans((0, 0.8), (1.2, 2.0))
    assert find_rests(calls, stretch((0, 0.8), (1.2, 1.5), (2.6, 3.4))) == [], "a cough"


def test_where_whisper_hears_nothing_it_is_not_asked_again():
    assert find_rests([], stretch((0, 20))) == []


def hypothesis(words: list[HeardWord], logprob: float = -0.3, no_speech: float = 0.01) -> Hypothesis:
    return Hypothesis(words, "".join(word.word for word in words), logprob, no_speech, 1.0)


def test_only_what_is_new_and_sure_is_believed():
    rest = Rest(stretch((0, 0.8), (1.2, 2.0)), 1.2)
    twice = said(("Back.", 0.2, 0.6), ("Back!", 1.3, 1.8))
    found = believe(hypothesis(twice), rest)
    assert found is not None and (found.text, found.words) == (" Back!", twice[1:])
    assert believe(hypothesis(said(("Yes.", 1.3, 1.5), probability=0.5)), rest) is None
    assert believe(hypothesis(said(("Yes.", 1.3, 1.5)), logprob=-1.2), rest) is None
    assert believe(hypothesis(twice[:1]), rest) is None, "nothing is new"
    long = Rest(stretch((0, 8.0)), 0)
    assert believe(hypothesis(said(("Yes.", 1.3, 1.5), probability=0.5)), long) is not None
