"""When frames are shown: what their timestamps say, where that can be true."""

import pytest

from tasks.media.clock import Clock


def place(*said: float | None, length: float = 0.04, origin: float | None = 0.0) -> tuple[list[float], Clock]:
    """The times of one stream's frames, each `length` seconds long."""
    clock = Clock(origin)
    lane = clock.lane("picture", look=6)
    found = [time for each in said for time, _ in clock.push(lane, each, length, None)]
    return [round(time, 3) for time in found + [time for time, _ in clock.flush(lane)]], clock


def steps(count: int, start: float = 0.0, length: float = 0.04) -> list[float]:
    return [round(start + number * length, 3) for number in range(count)]


def test_a_clock_that_is_right_is_believed():
    times, clock = place(*steps(50))
    assert times == steps(50)
    assert clock.regular and clock.notes == []


@pytest.mark.parametrize("origin", [1.4, None])
def test_a_recording_begins_at_zero(origin):
    times, _ = place(*steps(5, start=1.4), origin=origin)
    assert times == pytest.approx(steps(5))


def test_without_timestamps_frames_are_counted():
    times, clock = place(*[None] * 5)
    assert times == steps(5)
    assert not clock.regular


@pytest.mark.parametrize("wrong", [47_723.0, 2.9, -5.0])
def test_one_wrong_timestamp_is_put_between_its_neighbours(wrong):
    said = steps(50)
    said[20] += wrong
    times, clock = place(*said)
    assert times == pytest.approx(steps(50), abs=0.03)
    assert times == sorted(times)
    assert clock.notes == ["The time of 1 frame was wrong and is taken from the frames around."]


def test_a_clock_that_starts_again_goes_on():
    times, clock = place(*steps(50), *steps(50))
    assert times == pytest.approx(steps(100), abs=1e-3)
    assert clock.notes == ["The clock starts again at 2.0 s; what follows is taken to follow at once."]


def test_two_streams_jump_together():
    """The sound of the first part is 20 ms longer than its pictures; after the joint both are in step."""
    clock = Clock(0.0)
    picture, sound = clock.lane("picture"), clock.lane("sound")
    for number in range(50):
        list(clock.push(picture, number * 0.04, 0.04, None))
        list(clock.push(sound, number * 0.0404, 0.0404, None))
    after = [[], []]
    for number in range(60):
        after[0] += [time for time, _ in clock.push(picture, number * 0.04, 0.04, None)]
        after[1] += [time for time, _ in clock.push(sound, number * 0.0404, 0.0404, None)]
    assert after[0][10] - 10 * 0.04 == pytest.approx(2.0, abs=1e-3)
    assert after[1][10] - 10 * 0.0404 == pytest.approx(2.0, abs=0.021)


def test_a_pause_is_kept_and_told_of():
    times, clock = place(*steps(25), *steps(25, start=61.0))
    assert times[25] == pytest.approx(61.0)
    assert clock.regular
    assert clock.notes == ["The picture pauses for 0:01:00 at 1.0 s."]


def test_a_pause_of_days_is_a_jump_of_the_clock():
    times, clock = place(*steps(25), *steps(25, start=360_000))
    assert times == pytest.approx(steps(50), abs=1e-3)
    assert clock.notes[0].startswith("The clock jumps by 4 days, ")


def test_few_pictures_a_minute_are_no_jumps():
    times, clock = place(*[60.0 * number for number in range(20)], length=60.0)
    assert times == [60.0 * number for number in range(20)]
    assert clock.regular
