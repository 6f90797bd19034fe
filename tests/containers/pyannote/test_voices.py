"""Clustering that never looks back: known voices are found again, new ones are noticed."""

import numpy as np
import pytest

from containers.pyannote.voices import NEW, Voices

KATE, TOM, ANN = np.eye(3)
NOTHING = np.zeros((1, 0))


def unfamiliar(voices: Voices, rows: int = 1) -> np.ndarray:
    return np.zeros((rows, len(voices)))


def near(voice: np.ndarray, distance: float) -> np.ndarray:
    """A unit vector at this cosine distance from `voice`."""
    cosine = 1 - distance
    return cosine * voice + np.sqrt(1 - cosine**2) * np.roll(voice, 1)


def hear(voices: Voices, *heard: np.ndarray, seconds: float = 3.0) -> list[int | None]:
    return voices.place(np.stack(heard), np.full(len(heard), seconds), unfamiliar(voices, len(heard)))


def test_voices_are_numbered_as_they_are_first_heard_and_found_again() -> None:
    voices = Voices(3)
    assert [hear(voices, who) for who in (KATE, TOM, KATE, ANN, TOM)] == [[0], [1], [0], [2], [1]]


@pytest.mark.parametrize(("distance", "expected"), [(NEW - 0.02, 0), (NEW + 0.02, 1)])
def test_a_voice_that_is_far_from_every_known_one_is_new(distance: float, expected: int) -> None:
    voices = Voices(3)
    hear(voices, KATE)
    assert hear(voices, near(KATE, distance)) == [expected]


def test_two_voices_of_one_window_are_two_speakers_however_alike() -> None:
    voices = Voices(3)
    assert hear(voices, KATE, near(KATE, 0.05)) == [0, 1]


def test_a_word_founds_no_speaker_but_the_first_one() -> None:
    voices = Voices(3)
    assert hear(voices, KATE, seconds=0.5) == [0]
    assert hear(voices, TOM, seconds=0.5) == [0], "the nearest known voice, until more of it was heard"
    assert hear(voices, TOM, seconds=2) == [1]


def test_a_voice_that_was_just_active_there_is_likely_the_same() -> None:
    voices = Voices(3)
    hear(voices, KATE)
    changed = near(KATE, NEW + 0.1)[None]
    assert voices.place(changed, np.array([3.0]), np.ones((1, 1))) == [0]


def test_too_little_speech_to_embed_is_placed_by_activity_alone() -> None:
    voices = Voices(3)
    hear(voices, KATE)
    short = np.full((1, 3), np.nan)
    assert voices.place(short, np.array([0.03]), np.ones((1, 1))) == [0]
    assert voices.place(short, np.array([0.03]), np.zeros((1, 1))) == [None]
    assert Voices(3).place(short, np.array([0.03]), NOTHING) == [None]
