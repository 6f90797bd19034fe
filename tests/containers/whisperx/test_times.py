"""Word times by the sound: made of tones where "words" are, so that their times are known."""

from itertools import pairwise

import numpy as np
import pytest

from containers.common.contract import Span
from containers.whisperx.sentences import HeardWord
from containers.whisperx.times import LATE, cut_at_pauses, find_pauses, refine

RATE = 16_000
VOICED = ((0.5, 1.0), (1.3, 1.8), (1.8, 2.4), (3.4, 3.9))
WHOLE = Span(start=0, end=5)


def sound(noise: float = 0.001) -> np.ndarray:
    random = np.random.default_rng(0)
    audio = random.normal(0, noise, 5 * RATE).astype(np.float32)
    for start, end in VOICED:
        time = np.arange(round((end - start) * RATE)) / RATE
        audio[round(start * RATE) :][: len(time)] += 0.3 * np.sin(2 * np.pi * 220 * time)
    return audio


def words(*times: tuple[float, float]) -> list[HeardWord]:
    return [HeardWord(" word", start, end, 0.9) for start, end in times]


def test_words_beside_pauses_begin_and_end_with_their_sound():
    heard = words((0.3, 0.95), (0.95, 1.7), (1.7, 2.2), (3.1, 3.7))
    refined = refine(heard, find_pauses(sound(), WHOLE), WHOLE)
    for word, (start, end) in zip(refined, VOICED, strict=True):
        assert word.start == pytest.approx(start, abs=0.11 if start == 1.8 else 0.03)
        assert word.end == pytest.approx(end, abs=0.11 if end == 1.8 else 0.03)


def test_without_pauses_words_are_later_by_what_whisper_is_early():
    loud = sound(noise=0.3)
    assert find_pauses(loud, WHOLE) == []
    refined = refine(words((0.4, 0.9), (0.9, 1.4)), [], WHOLE)
    assert [(word.start, word.end) for word in refined] == [
        (0.4 + LATE, 0.9 + LATE),
        (0.9 + LATE, 1.4 + LATE),
    ]


def test_a_word_does_not_last_over_a_pause_that_nobody_makes_in_it():
    refined = refine(words((0.4, 0.9), (1.2, 3.2), (3.3, 3.8)), find_pauses(sound(), WHOLE), WHOLE)
    assert refined[1].end == pytest.approx(2.4, abs=0.03)
    number = [HeardWord(" 555-1234", 1.2, 3.8, 0.9)]
    assert refine(number, find_pauses(sound(), WHOLE), WHOLE)[0].end == pytest.approx(3.9, abs=0.03), (
        "digits are read out"
    )


def test_times_are_of_the_whole_piece_and_rise_inside_the_stretch():
    part = Span(start=1.2, end=2.5)
    heard = words((1.2, 1.25), (1.2, 1.7), (1.9, 2.9))
    refined = refine(heard, find_pauses(sound(), part), part)
    assert all(part.start <= word.start < word.end for word in refined)
    assert all(one.end <= other.start for one, other in pairwise(refined))
    assert refine([], [], part) == []
    assert find_pauses(np.zeros(100, np.float32), Span(start=0, end=0.006)) == []


def test_voices_are_cut_at_long_pauses():
    pauses = find_pauses(sound(), WHOLE)
    bursts = cut_at_pauses([Span(start=0.4, end=2.5), Span(start=3.3, end=4)], pauses)
    assert [(round(burst.start, 1), round(burst.end, 1)) for burst in bursts] == [
        (0.5, 1.0),
        (1.3, 2.4),
        (3.4, 3.9),
    ]
