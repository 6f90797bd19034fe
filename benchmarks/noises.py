"""Noise that speech is spoiled with in benchmarks/sound.md, from a seed, and how the damage is measured."""

import numpy as np
from scipy import signal

from tasks.evaluation.synthesis import RATE, fan, shaped, street, white

__all__ = ["RATE", "babble", "fan", "hum", "room", "room_tone", "shaped", "si_sdr", "street", "white", "wind"]


def room_tone(count: int, random: np.random.Generator) -> np.ndarray:
    """A room with machines: pink noise to which mains hum and a tone are added."""
    time = np.arange(count) / RATE
    hum = sum(np.sin(2 * np.pi * 50 * n * time + n) / n for n in range(1, 6))
    return shaped(count, random, -0.5) + 0.3 * hum + 0.1 * np.sin(2 * np.pi * 720 * time)


def hum(count: int, random: np.random.Generator) -> np.ndarray:
    """Mains hum at 50 Hz with ten overtones in random phase, and a little pink noise."""
    time = np.arange(count) / RATE
    tones = sum(np.sin(2 * np.pi * 50 * n * time + 6 * random.random()) / n for n in range(1, 12))
    return tones + 0.05 * shaped(count, random, -0.5)


def wind(count: int, random: np.random.Generator) -> np.ndarray:
    """Low-frequency rumble that swells and falls with the gusts, as a microphone picks it up."""
    gusts = np.repeat(random.random(2 * count // RATE + 3) ** 2 + 0.05, RATE // 2)[:count]
    return shaped(count, random, -1.5) * signal.lfilter(*signal.butter(1, 2, fs=RATE), gusts)


def babble(speech: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Twelve voices at once, cut from `speech`: speech hidden in speech."""
    long = np.tile(speech, count // len(speech) + 2)
    return sum(long[start : start + count] for start in random.integers(0, len(speech), 12))


def room(speech: np.ndarray, random: np.random.Generator, seconds: float = 0.5) -> np.ndarray:
    """A room with that reverberation time (60 dB): only its tail, to be added to the speech."""
    count = int(seconds * RATE)
    tail = random.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    tail[: RATE // 200] = 0  # what comes within 5 ms belongs to the voice
    return signal.fftconvolve(speech, tail)[: len(speech)]


def si_sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al., 2019)."""
    target = reference * (estimate @ reference) / (reference @ reference)
    return float(10 * np.log10(np.sum(target**2) / np.sum((estimate - target) ** 2)))
