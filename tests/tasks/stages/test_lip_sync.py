"""How well a mouth moves with the sound."""

import wave
from pathlib import Path

import numpy as np
import pytest

from containers.common.documents.speakers import Turn
from tasks.media.sheets import RATE
from tasks.stages.link.lip_sync import measure_evidence, read_loudness
from tasks.stages.link.mouths import Mouth, measure_opening

TURN = Turn(start=1.0, end=4.0, speaker="SPEAKER_00")
TIMES = np.arange(0, 5, 1 / RATE)
SYLLABLES = np.abs(np.sin(2 * np.pi * 1.7 * TIMES) * np.sin(2 * np.pi * 0.45 * TIMES))


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of noise that swells with SYLLABLES, 16 kHz."""
    path = tmp_path_factory.mktemp("sound") / "speech.wav"
    swell = np.interp(np.arange(5 * 16_000) / 16_000, TIMES, SYLLABLES)
    samples = np.random.default_rng(0).normal(0, 3000, len(swell)) * swell
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.astype(np.int16).tobytes())
    return path


def mouths(**openings: np.ndarray) -> list[Mouth]:
    """Tracks `t0`, `t1` ... by time."""
    trembling = np.random.default_rng(1).normal(0, 0.004, (len(openings), len(TIMES)))
    return [
        Mouth(int(name[1:]), float(time), float(opening[number] + trembling[row, number]))
        for number, time in enumerate(TIMES)
        for row, (name, opening) in enumerate(openings.items())
    ]


def test_the_mouth_that_moves_with_the_sound_has_the_evidence(speech: Path) -> None:
    still, chewing = np.full(len(TIMES), 0.1), 0.1 + 0.1 * np.abs(np.sin(2 * np.pi * 1.1 * TIMES))
    found = measure_evidence(TURN, mouths(t0=still, t1=0.05 + 0.15 * SYLLABLES, t2=chewing), speech)
    assert found[1] > 3
    assert found[0] < 0.8 and found[2] < 1.5


def test_a_mouth_that_moves_a_sample_early_or_late_is_recognised(speech: Path) -> None:
    for lag in (-1, 1):
        assert measure_evidence(TURN, mouths(t0=0.2 * np.roll(SYLLABLES, lag)), speech)[0] > 3


def test_movement_that_could_be_trembling_landmarks_counts_little(speech: Path) -> None:
    little = measure_evidence(TURN, mouths(t0=0.1 + 0.01 * SYLLABLES), speech)[0]
    assert little < 1


def test_a_face_seen_for_a_moment_has_no_evidence(speech: Path) -> None:
    moment = [mouth for mouth in mouths(t0=SYLLABLES) if mouth.time < 1.4]
    assert measure_evidence(TURN, moment, speech) == {}
    assert measure_evidence(TURN, [], speech) == {}


def test_silence_is_evidence_for_nobody(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "silence.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * 5 * 16_000))
    assert measure_evidence(TURN, mouths(t0=SYLLABLES), tmp_path / "silence.wav") == {0: 0}


def test_after_the_end_of_the_sound_it_is_silent(speech: Path) -> None:
    assert read_loudness(speech, np.array([60.0])).tolist() == [0]


def test_an_opening_does_not_depend_on_the_face_s_size() -> None:
    shape = np.zeros((68, 2))
    shape[[36, 45]] = [[0, 0], [100, 0]]
    shape[[61, 62, 63]], shape[[67, 66, 65]] = [50, 80], [50, 95]
    assert measure_opening(shape.tolist()) == pytest.approx(0.15)
    assert measure_opening((3 * shape).tolist()) == pytest.approx(0.15)
