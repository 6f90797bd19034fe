"""Whisper's words in, segments people can read out."""

import random
from itertools import pairwise

import pytest

from containers.common.contract import Span
from containers.common.documents.speech import Segment
from containers.whisperx.segments import LONGEST, longest_word, split_segments
from containers.whisperx.sentences import HeardWord


def timed(word: str, start: float, end: float) -> HeardWord:
    return HeardWord(word, start, end, 0.9)


def said(text: str, step: float = 0.5, start: float = 0.0) -> list[HeardWord]:
    return [
        timed(f" {word}", start + step * n, start + step * (n + 1)) for n, word in enumerate(text.split())
    ]


def texts(segments: list[Segment]) -> list[str]:
    return [segment.text for segment in segments]


def test_sentences_become_segments():
    segments = split_segments(said("Hello there. How are you? Fine!"), Span(start=0, end=3))
    assert texts(segments) == ["Hello there.", "How are you?", "Fine!"]
    assert [(segment.start, segment.end) for segment in segments] == [(0, 1), (1, 2.5), (2.5, 3)]
    assert segments[0].words[0].model_dump(exclude_none=True) == {
        "word": "Hello",
        "start": 0.0,
        "end": 0.5,
        "score": 0.9,
    }


def test_a_pause_ends_a_segment():
    heard = said("well yes") + said("so then", start=3)
    assert texts(split_segments(heard, Span(start=0, end=4))) == ["well yes", "so then"]


def test_long_speech_without_full_stops_is_cut_at_its_longest_pause():
    heard = said(" ".join(f"w{n}" for n in range(20))) + said(
        " ".join(f"w{n}" for n in range(20, 50)), start=10.5
    )
    segments = split_segments(heard, Span(start=0, end=26))
    assert segments[0].text.endswith("w19")
    assert all(segment.end - segment.start <= LONGEST for segment in segments)
    assert " ".join(texts(segments)) == " ".join(f"w{n}" for n in range(50))


def test_languages_without_spaces_keep_their_text():
    heard = [timed("こんにちは", 0, 1), timed("。", 1, 1.1), timed("元気", 1.2, 2)]
    assert texts(split_segments(heard, Span(start=0, end=2))) == ["こんにちは。", "元気"]


def test_times_are_held_inside_the_stretch_and_rise():
    heard = [timed(" a", 4.7, 5.1), timed(" b", 5.1, 5.1), timed(" c", 5.05, 5.3), timed(" d", 5.9, 6.4)]
    (segment,) = split_segments(heard, Span(start=5, end=6))
    assert segment.start == 5 and segment.end == 6
    times = [time for word in segment.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(word.start < word.end for word in segment.words)


def test_words_beyond_the_end_share_its_last_moments():
    heard = [timed(f" {letter}", 9, 9) for letter in "abc"]
    (segment,) = split_segments(heard, Span(start=0, end=1))
    assert [(word.start, word.end) for word in segment.words] == [(0.94, 0.96), (0.96, 0.98), (0.98, 1.0)]


def test_more_words_than_the_stretch_has_room_for():
    heard = [timed(f" {letter}", 0, 0) for letter in "abcd"]
    (segment,) = split_segments(heard, Span(start=0, end=0.04))
    assert [word.start for word in segment.words] == [0, 0.01, 0.02, 0.03]


@pytest.mark.parametrize("seed", range(200))
def test_whatever_times_come_in_words_can_be_relied_on(seed):
    """Times rise, words lie inside their segment and the stretch, none is longer than it can be."""
    chance = random.Random(seed)
    span = Span(start=chance.uniform(0, 20), end=chance.uniform(20.5, 50))
    vocabulary = ["a", "1984", "Donaudampfschiff", "안녕하세요", "3.5%", "¿qué?", "…", "-", "no."]
    given = [
        HeardWord(
            f" {chance.choice(vocabulary)}",
            chance.uniform(-5, 60),
            chance.uniform(-5, 60),
            chance.uniform(-0.1, 1.1),
        )
        for _ in range(chance.randrange(1, 40))
    ]
    if seed % 2:
        given.sort(key=lambda word: word.start)
    segments = split_segments(given, span, "en")
    words = [word for segment in segments for word in segment.words]
    assert [word.word for word in words] == [word.word.strip() for word in given]
    assert all(span.start - 0.001 <= word.start < word.end <= span.end + 0.001 for word in words)
    assert all(before.end <= after.start for before, after in pairwise(words))
    assert all(word.end - word.start <= longest_word(word.word) + 0.002 for word in words)
    assert all(0 <= word.score <= 1 for word in words)
    for segment in segments:
        assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)
        assert segment.text.split() == [word.word for word in segment.words]


def test_no_words_no_segments():
    assert split_segments([], Span(start=0, end=1)) == []
    assert split_segments([timed(" ", 0, 1)], Span(start=0, end=1)) == []
