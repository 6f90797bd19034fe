"""The pictures of a run's page: who was seen, what was heard."""

import io

import numpy as np
import pytest
import soundfile
from PIL import Image

from tasks.outputs.face_sheet import face_sheet
from tasks.outputs.findings import Findings
from tasks.outputs.sound_picture import HEIGHT, spectrogram

RATE = 16_000


@pytest.fixture
def tone(tmp_path):
    """A tone of 2 kHz, a quarter of the way up."""
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 2000 * np.arange(3 * RATE) / RATE), RATE)
    return path


def test_a_tone_is_a_light_line_at_its_pitch(tone):
    with Image.open(io.BytesIO(spectrogram(tone) or b"")) as picture:
        brightness = np.asarray(picture.convert("L")).mean(axis=1)
    assert abs(brightness.argmax() / HEIGHT - 0.75) < 0.02
    assert brightness.max() > 10 * np.median(brightness)


@pytest.mark.parametrize("samples", [np.zeros(RATE), np.zeros(100)])
def test_silence_and_a_click_have_no_picture(samples, tmp_path):
    soundfile.write(tmp_path / "silent.wav", samples, RATE)
    assert spectrogram(tmp_path / "silent.wav") is None


def test_nobody_seen_is_no_sheet():
    assert face_sheet(Findings()) is None
