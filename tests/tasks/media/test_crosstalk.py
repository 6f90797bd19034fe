"""What one channel has of another's sound, and whether two channels hold two people."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from scipy.io import wavfile

from containers.common.media.audio import load_audio
from tasks.media.crosstalk import Crosstalk
from tasks.media.decoding import decode_media
from tasks.media.demo import sample_turns

pytestmark = pytest.mark.slow
RATE = 16_000
Sound = NDArray[np.float32]


@pytest.fixture(scope="module")
def call(speech_wav: Path) -> Sound:
    """(2, samples): two people of a real call, in a channel each, by the turns that are known of it.

    Where both speak there is one recording of it: that goes to one of them.
    """
    samples = load_audio(speech_wav.as_uri(), RATE)
    turns = sample_turns()
    names = sorted({speaker for _, _, speaker in turns})
    quiet = np.random.default_rng(0).normal(0, 3e-4, (2, len(samples))).astype(np.float32)
    channels = quiet.copy()
    for start, end, speaker in turns:
        part = slice(round(start * RATE), round(end * RATE))
        channels[:, part] = quiet[:, part]
        channels[names.index(speaker), part] = samples[part]
    return channels[:, 6 * RATE : 24 * RATE]


def later(sound: Sound, seconds: float) -> Sound:
    count = round(seconds * RATE)
    return np.concatenate([np.zeros(count, np.float32), sound])[: len(sound)]


def in_a_room(sound: Sound, seed: int) -> Sound:
    """As another microphone of a small room hears it."""
    time = np.arange(round(0.25 * RATE)) / RATE
    tail = np.random.default_rng(seed).normal(0, 0.15, len(time)) * np.exp(-6.9 * time / 0.25)
    tail[48] = 1
    return np.convolve(sound, tail)[: len(sound)].astype(np.float32)


def leaking(call: Sound, decibels: float, way: Callable[[Sound], Sound] = lambda sound: sound) -> Sound:
    return call + 10 ** (decibels / 20) * np.stack([way(call[1]), way(call[0])])


WAYS: dict[str, Callable[[Sound], Sound]] = {
    "nothing leaks": lambda call: call,
    "a wire, 30 dB": lambda call: leaking(call, -30),
    "a wire, 15 dB": lambda call: leaking(call, -15),
    "an echo after 60 ms": lambda call: leaking(call, -20, lambda sound: later(sound, 0.06)),
    "microphones of a room": lambda call: leaking(call, -22, lambda sound: in_a_room(sound, 1)),
}
ONE_RECORDING: dict[str, Callable[[Sound], Sound]] = {
    "mono in both": lambda call: np.stack([call.sum(axis=0)] * 2),
    "the second silent": lambda call: np.stack([call.sum(axis=0), 0 * call[0]]),
    "one person, the other silent": lambda call: np.stack([call[0], 0 * call[0]]),
    "a pair of microphones": lambda call: np.stack([in_a_room(call.sum(axis=0), seed) for seed in (1, 2)]),
    "people to the left and right": lambda call: leaking(call, -6),
    "in a room, left and right": lambda call: leaking(call, -4, lambda sound: in_a_room(sound, 1)),
    "music beside speech": lambda call: np.stack([call.sum(axis=0), chords(call.shape[1])]),
    "stereo music": lambda call: np.stack([chords(call.shape[1]), chords(call.shape[1], 1.5)]),
}


def chords(count: int, pitch: float = 1.0) -> Sound:
    time = np.arange(count) / RATE
    beat = 0.6 + 0.4 * np.cos(2 * np.pi * 2 * time)
    return (0.05 * beat * sum(np.sin(2 * np.pi * pitch * hertz * time) for hertz in (220, 277, 330))).astype(
        np.float32
    )


def decode(channels: Sound, folder: Path, how: str = "auto"):
    path = folder / "call.wav"
    soundfile.write(path, channels.T, RATE, "FLOAT")
    return decode_media(path, folder / "out", 1, channels=how)


@pytest.mark.parametrize("way", WAYS)
def test_two_people_are_told_apart_by_themselves(way: str, call: Sound, tmp_path: Path) -> None:
    decoded = decode(WAYS[way](call), tmp_path)
    assert len(decoded.channels_16k) == 2
    assert "Each of the two channels is another person's: they are heard one by one." in decoded.notes


@pytest.mark.parametrize("kind", ONE_RECORDING)
def test_one_recording_is_heard_as_one(kind: str, call: Sound, tmp_path: Path) -> None:
    decoded = decode(ONE_RECORDING[kind](call), tmp_path)
    assert decoded.channels_16k == []
    assert not any("channels is" in note for note in decoded.notes)
    assert {path.name for path in (tmp_path / "out").glob("*.wav")} == {"audio_16k.wav", "audio_48k.wav"}


@pytest.mark.parametrize("way", [way for way in WAYS if way != "nothing leaks"])
def test_what_leaks_is_heard_once(way: str, call: Sound, tmp_path: Path) -> None:
    """Where one person speaks, the other's channel is quiet; who speaks in it stays as loud as before."""
    given = WAYS[way](call)
    found = []
    for uri in decode(given, tmp_path, "separate").channels_16k:
        found.append(soundfile.read(uri.removeprefix("file://"), dtype="float32")[0])
    speaking = np.stack([np.convolve(channel**2, np.ones(3200) / 3200, "same") > 1e-5 for channel in call])
    for number in (0, 1):
        alone, others = (speaking[k] & ~speaking[1 - k] for k in (number, 1 - number))
        before, after = (np.square(each[number]) for each in (given, found))
        assert after[others].mean() < 0.7 * before[others].mean()
        assert (after[others] == 0).mean() > 0.5, "silence: what is only quiet is heard as speech"
        assert after[alone].mean() > 0.97 * before[alone].mean()


def test_nothing_leaks_and_nothing_is_changed(call: Sound, tmp_path: Path) -> None:
    decoded = decode(call, tmp_path, "separate")
    for uri, given in zip(decoded.channels_16k, call, strict=True):
        assert np.array_equal(soundfile.read(uri.removeprefix("file://"), dtype="float32")[0], given)


def test_sound_of_no_length(tmp_path: Path) -> None:
    for number in (1, 2):
        wavfile.write(tmp_path / f"{number}.wav", RATE, np.zeros(10, np.float32))
    found = Crosstalk([tmp_path / "1.wav", tmp_path / "2.wav"])
    assert not found.seconds().two_people
    assert found.turn_down() == 0
