"""Media with known stretches: speech from an installed package, music and silence from numpy."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile

from containers.common.media.audio import stream_audio

RATE = 16_000
SCALE = [12, 16, 19, 16, 14, 12, 11, 14]  # semitones above C4
CHORDS = [(0, 4, 7), (-3, 0, 4), (-7, -3, 0), (-5, -1, 2)]  # C, a, F, G


@pytest.fixture(scope="session")
def speech() -> np.ndarray:
    """12 s of two people talking with hardly a pause, 16 kHz mono."""
    package = Path(find_spec("pyannote").submodule_search_locations[0])
    blocks = stream_audio(package / "audio/sample/sample.wav", RATE)
    return np.concatenate(list(blocks))[8 * RATE : 20 * RATE]


@pytest.fixture(scope="session")
def music() -> np.ndarray:
    """15 s of a melody over chords and a bass, each note with six harmonics, 16 kHz mono."""
    song = np.zeros(17 * RATE)
    for beat in range(30):
        chord = CHORDS[beat // 4 % 4]
        notes = [(SCALE[beat % 8], 0.6, 0.5), (chord[0] - 24, 1.0, 0.6)]
        if beat % 4 == 0:
            notes += [(note, 2.2, 0.35) for note in chord]
        for semitones, seconds, gain in notes:
            sound = gain * _note(261.63 * 2 ** (semitones / 12), seconds)
            first = beat * RATE // 2
            song[first : first + len(sound)] += sound[: len(song) - first]
    return (song[: 15 * RATE] / np.abs(song).max() / 2).astype(np.float32)


def _note(frequency: float, seconds: float) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    envelope = np.minimum(1, time / 0.01) * np.exp(-2 * time / seconds)
    return envelope * sum(np.sin(2 * np.pi * frequency * n * time) / n for n in range(1, 7))


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE), np.float32)


@pytest.fixture(scope="session")
def programme(speech, music) -> np.ndarray:
    """Speech from 5 to 17 s and music from 22 to 37 s, silence before, between and after: 42 s."""
    return np.concatenate([silence(5), speech, silence(5), music, silence(5)])


@pytest.fixture
def save(tmp_path) -> Callable[..., str]:
    """Writes samples as a WAV file and returns its URI."""

    def write(samples: np.ndarray, rate: int = RATE) -> str:
        soundfile.write(tmp_path / "audio.wav", samples, rate, subtype="PCM_16")
        return (tmp_path / "audio.wav").as_uri()

    return write
