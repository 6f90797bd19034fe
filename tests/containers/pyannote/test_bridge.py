"""Exclusive turns: short pauses are bridged, but never across somebody else's word."""

from typing import Any

import pytest
from pyannote.core import Annotation, Segment

from containers.pyannote.pipeline import bridge

pytestmark = pytest.mark.slow  # it imports torch


def turns(*given: tuple[float, float, str]) -> Annotation:
    made = Annotation()
    for number, (start, end, speaker) in enumerate(given):
        made[Segment(start, end), number] = speaker
    return made


def told(exclusive: Annotation) -> list[tuple[float, float, str]]:
    tracks: Any = exclusive.itertracks(yield_label=True)
    return [(turn.start, turn.end, label) for turn, _, label in tracks]


def test_a_short_pause_is_bridged_and_a_long_one_is_not() -> None:
    assert told(bridge(turns((0, 1, "A"), (1.05, 2, "A"), (2.5, 3, "A")), 0.1)) == [
        (0, 2, "A"),
        (2.5, 3, "A"),
    ]


def test_a_word_of_another_in_the_pause_keeps_it() -> None:
    given = [(0.03, 0.13, "A"), (0.13, 0.2, "B"), (0.2, 0.42, "A"), (0.42, 1.5, "B")]
    assert told(bridge(turns(*given), 0.1)) == given


def test_nobody() -> None:
    assert told(bridge(Annotation(), 0.1)) == []
