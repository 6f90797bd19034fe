"""One channel of a pair is damaged: the other is heard, and what was done is said."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from containers.common.media.audio import load_audio
from tasks.media.mix import Mixer

RATE = 16_000
Sound = NDArray[np.float32]


@pytest.fixture(scope="module")
def speech(speech_wav: Path) -> Sound:
    """A telephone call of two people, 12 s."""
    return load_audio(speech_wav.as_uri(), RATE)[RATE * 8 : RATE * 20]


def mix(*channels: Sound) -> tuple[Sound, list[str]]:
    pair = np.stack(channels).astype(np.float32)
    mixer, blocks = Mixer(), []
    for first in range(0, pair.shape[1], 1000):
        packed = np.ascontiguousarray(pair[:, first : first + 1000].T.reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(packed, "flt", "stereo")
        frame.sample_rate = RATE
        blocks += [samples for samples, _ in mixer.mix(frame)]
    blocks += [samples for samples, _ in mixer.flush()]
    return np.concatenate(blocks)[: pair.shape[1]], mixer.notes


def likeness(found: Sound, wanted: Sound) -> float:
    """SI-SDR, dB (Le Roux et al., "SDR - half-baked or well done?", 2019)."""
    target = found @ wanted / (wanted @ wanted) * wanted
    return float(10 * np.log10((target @ target + 1e-9) / (np.square(found - target).sum() + 1e-9)))


def offset(sound: Sound) -> Sound:
    return sound + 0.3


def clipped(sound: Sound) -> Sound:
    return np.clip(8 * sound, -0.2, 0.2)


def dropping_out(sound: Sound) -> Sound:
    found = sound.copy()
    for start in range(RATE // 2, len(sound), RATE):
        found[start : start + RATE // 8] = 0
    return found


def crackling(sound: Sound) -> Sound:
    found, chance = sound.copy(), np.random.default_rng(0)
    for start in range(RATE + RATE // 2, len(sound), RATE):
        found[start : start + RATE // 25] += chance.normal(0, 0.7, len(found[start : start + RATE // 25]))
    return found


def humming(sound: Sound) -> Sound:
    time = np.arange(len(sound)) / RATE
    return sound + 0.3 * sum(np.sin(2 * np.pi * 50 * n * time + n) / n for n in range(1, 8))


def late(sound: Sound) -> Sound:
    return np.concatenate([np.zeros(RATE // 50, np.float32), sound])[: len(sound)]


def turned(sound: Sound) -> Sound:
    return -sound


KINDS: dict[Callable[[Sound], Sound], tuple[float, str]] = {
    offset: (15, "a constant offset is taken out"),
    clipped: (15, "channel is clipped and is left out"),
    dropping_out: (18, "bursts or drops out"),
    crackling: (10, "bursts or drops out"),
    humming: (10, "channel hums and is left out"),
    late: (20, "later, and is left out"),
    turned: (30, "opposite phase"),
}


@pytest.mark.parametrize("second", [False, True], ids=["first", "second"])
@pytest.mark.parametrize("damage", KINDS, ids=lambda damage: damage.__name__)
def test_a_damaged_channel_does_not_spoil_the_mix(
    damage: Callable[[Sound], Sound], second: bool, speech: Sound
) -> None:
    least, said = KINDS[damage]
    broken = damage(speech).astype(np.float32)
    pair = (speech, broken) if second else (broken, speech)
    found, notes = mix(*pair)
    assert likeness(found, speech) > max(least, likeness(np.mean(pair, axis=0), speech) + 5)
    assert any(said in note for note in notes), notes


def test_a_silent_channel_takes_nothing_away(speech: Sound) -> None:
    found, notes = mix(np.zeros_like(speech), speech)
    assert likeness(found, speech) > 60 and not notes


@pytest.mark.parametrize("damage", [clipped, humming], ids=lambda damage: damage.__name__)
def test_who_is_in_one_channel_alone_is_kept_however_it_sounds(
    damage: Callable[[Sound], Sound], speech: Sound
) -> None:
    """A call: what the second person says is not in the first channel."""
    half = len(speech) // 2
    first, second = speech.copy(), np.roll(speech, half)
    first[half:] *= 0.001
    second[:half] *= 0.001
    found, _ = mix(first, damage(second).astype(np.float32))
    assert likeness(found[half:] - found[half:].mean(), damage(second)[half:].astype(np.float32)) > 10


def test_what_leaks_is_no_reason_to_leave_out_who_answers(speech: Sound) -> None:
    """A call in which each hears the other a little: nothing is taken out of the mix."""
    second = RATE
    turns = np.arange(len(speech)) // second % 2 == 0
    first, other = speech * turns, speech * ~turns
    pair = [own + 0.1 * leak for own, leak in ((first, other), (other, first))]
    found, notes = mix(*[each.astype(np.float32) for each in pair])
    assert likeness(found, np.mean(pair, axis=0)) > 40, notes


def test_undamaged_channels_are_their_mean(speech: Sound) -> None:
    chance = np.random.default_rng(0)
    wide = 0.5 * speech + chance.normal(0, 0.001, len(speech))
    found, notes = mix(speech, wide.astype(np.float32))
    assert np.allclose(found, (speech + wide) / 2, atol=1e-6) and not notes
