"""In a clean recording a pause is silence, in which nobody speaks; noise is no silence."""

import numpy as np
import pytest

from containers.pyannote.silence import SAMPLE_RATE, SILENCE, silent_frames

FRAMES = 250  # of a window of 5 s: 20 ms each


def speech(seconds: float, *pauses: tuple[float, float], noise: float = 0.0) -> np.ndarray:
    """Noise that stands for a voice, silent in the pauses but for `noise`."""
    random = np.random.default_rng(0)
    samples = random.normal(0, 0.1, round(seconds * SAMPLE_RATE))
    for start, end in pauses:
        samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] *= noise
    return samples.astype(np.float32)


def silent(samples: np.ndarray, windows: int = 1) -> np.ndarray:
    return silent_frames(samples, (windows, FRAMES), 5.0, 0.5)


def test_a_pause_is_silent_and_speech_is_not():
    found = silent(speech(5, (2, 2.5)))[0]
    assert found[100:125].all()
    assert not found[:100].any() and not found[125:].any()


def test_the_moment_before_a_plosive_belongs_to_the_word():
    assert not silent(speech(5, (2, 2.2))).any()


@pytest.mark.parametrize(("below", "expected"), [(SILENCE - 3, False), (SILENCE + 3, True)])
def test_a_room_that_can_be_heard_is_no_silence(below: float, expected: bool):
    assert silent(speech(5, (2, 3), noise=10 ** (-below / 20)))[0, 100:150].all() == expected
    assert silent(speech(5, (2, 3), noise=10 ** (-below / 20))).any() == expected


def test_in_a_window_without_speech_nothing_is_judged():
    assert not silent(np.zeros(5 * SAMPLE_RATE, np.float32)).any()
    assert not silent(speech(5, (0, 5), noise=0.001)).any()


def test_windows_overlap_and_the_last_one_goes_beyond_the_end():
    found = silent(speech(6, (3, 4)), windows=4)
    assert found.shape == (4, FRAMES)
    starts = [np.flatnonzero(window)[0] * 5 / FRAMES + 0.5 * row for row, window in enumerate(found)]
    assert starts == pytest.approx([3.0] * 4)
    assert found[3, -25:].all(), "half a second behind the end"


def test_pieces_of_a_recording_are_judged_as_the_whole():
    samples = speech(10, (2, 2.6), (7, 8))
    whole = silent(samples, windows=11)
    assert (silent(samples[: 7 * SAMPLE_RATE], windows=5) == whole[:5]).all()
    assert (silent(samples[round(2.5 * SAMPLE_RATE) :], windows=6) == whole[5:]).all()
