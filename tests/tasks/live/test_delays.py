"""How late live results are, against when their sound came in."""

import time

from tasks.live import delays
from tasks.live.delays import Delays


def test_a_result_is_as_late_as_the_time_since_its_last_sound_came() -> None:
    late = Delays(0.01)
    for _ in range(5):
        late.arrived()
    time.sleep(0.05)
    late.arrived()
    late.note("early sound", 0.05)
    late.note("last sound", 0.06)
    found = late.figures()
    assert 0.05 <= found["early sound"]["median"] < 1
    assert found["last sound"]["median"] < found["early sound"]["median"]


def test_nothing_was_late_yet() -> None:
    assert Delays(0.01).figures() == {}


def test_a_long_stream_keeps_only_the_last_minute(monkeypatch) -> None:
    monkeypatch.setattr(delays, "MEMORY", 10)
    late = Delays(0.01)
    for _ in range(1000):
        late.arrived()
        late.note("sound", 0.01)
    assert len(late._arrivals) == 10
    late.note("forgotten", 0.5)
    assert "forgotten" not in late.figures()
