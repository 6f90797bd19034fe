"""The channels of a recording by themselves, where people have one each."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.media import channels as module
from tasks.media.decoding import decode_media

RATE = 16_000
TONES = {hertz: 0.3 * np.sin(2 * np.pi * hertz * np.arange(2 * RATE) / RATE) for hertz in (300, 500)}


@pytest.fixture
def decode(tmp_path: Path):
    """`decode(tone, ...)`: the media of these channels decoded."""

    def made(*planes: np.ndarray):
        path = tmp_path / "call.wav"
        soundfile.write(path, np.stack(planes, axis=1), RATE)
        return decode_media(path, tmp_path / "out", 1, channels="separate")

    return made


def pitch(uri: str) -> float:
    samples, rate = soundfile.read(uri.removeprefix("file://"))
    assert (rate, len(samples)) == (RATE, 2 * RATE)
    return float(np.abs(np.fft.rfft(samples)).argmax()) * rate / len(samples)


def test_each_channel_is_a_file_beside_the_mix(decode):
    decoded = decode(TONES[300], TONES[500])
    assert [pitch(uri) for uri in decoded.channels_16k] == [300, 500]
    assert decoded.audio_16k
    assert decoded.notes == []


@pytest.mark.parametrize("second", [TONES[300], -0.5 * TONES[300]], ids=["twice", "turned and quieter"])
def test_one_sound_twice_is_told_and_not_heard_twice(decode, second):
    decoded = decode(TONES[300], second)
    assert decoded.channels_16k == []
    assert decoded.notes[-1] == "Every channel has the same sound: there is nothing to tell apart."


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT", "DOUBLE"])
def test_samples_of_any_kind_are_as_loud_as_they_are(tmp_path, subtype):
    path = tmp_path / "call.wav"
    soundfile.write(path, np.stack(list(TONES.values()), axis=1), RATE, subtype=subtype)
    decoded = decode_media(path, tmp_path / "out", 1, channels="separate")
    samples, _ = soundfile.read(decoded.channels_16k[0].removeprefix("file://"))
    assert np.abs(samples - TONES[300]).max() < 0.02


def test_channels_that_belong_nowhere_are_told_apart(decode):
    quiet = [tone * gain for tone in TONES.values() for gain in (1, 0.5, 0.2, 0.1)]
    assert len(decode(*quiet).channels_16k) == 8


def test_one_channel_is_one_sound(decode):
    assert decode(TONES[300]).channels_16k == []


def test_a_silent_channel_is_somebody_who_says_nothing(decode):
    assert len(decode(TONES[300], np.zeros(2 * RATE)).channels_16k) == 2


def test_the_channels_of_a_concert_are_no_people(decode, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    decoded = decode(*[tone * gain for tone in TONES.values() for gain in (1, 0.9)])
    assert decoded.channels_16k == []
    assert "The sound has 4 channels: too many to be told apart." in decoded.notes


def test_unless_it_is_asked_for_nothing_is_told_apart(tmp_path):
    path = tmp_path / "call.wav"
    soundfile.write(path, np.stack(list(TONES.values()), axis=1), RATE)
    decoded = decode_media(path, tmp_path / "out", 1)
    assert decoded.channels_16k == []
    assert {path.name for path in (tmp_path / "out").glob("*.wav")} == {"audio_16k.wav", "audio_48k.wav"}
