"""Turns as the contract has them, from pyannote's annotation."""

from pyannote.core import Annotation, Segment

from containers.pyannote.app import SHORTEST_TURN, _turns


def test_what_flickers_is_no_turn_and_nothing_lies_outside_the_media():
    heard = Annotation()
    heard[Segment(0.0, 1.0), "a"] = "ann"
    heard[Segment(1.0, 1.02), "b"] = "bob"
    heard[Segment(2.0, 2.0 + SHORTEST_TURN), "c"] = "bob"
    heard[Segment(9.95, 10.5), "d"] = "ann"
    heard[Segment(9.5, 12.0), "e"] = "bob"
    assert [(turn.speaker, turn.start, turn.end) for turn in _turns(heard, 10.0)] == [
        ("ann", 0.0, 1.0),
        ("bob", 2.0, 2.1),
        ("bob", 9.5, 10.0),
    ]
