"""Sounds made by formulas, from a seed: noise to spoil speech with, and music."""

import numpy as np

RATE = 48_000
CHORDS = [(0, 4, 7), (-3, 0, 4), (-7, -3, 0), (-5, -1, 2)]  # C, a, F, G


def fan(count: int, random: np.random.Generator) -> np.ndarray:
    """Brown noise, a blade's tone between 90 and 150 Hz and a motor's between 600 and 800 Hz."""
    time = np.arange(count) / RATE
    blade, motor = 90 + 60 * random.random(), 600 + 200 * random.random()
    tones = 0.4 * np.sin(2 * np.pi * blade * time) + 0.2 * np.sin(2 * np.pi * motor * time)
    return shaped(count, random, -1) + tones


def street(count: int, random: np.random.Generator) -> np.ndarray:
    """Low noise that swells and falls as cars pass."""
    loudness = np.interp(np.arange(count), np.linspace(0, count, 13), random.random(13) + 0.2)
    return shaped(count, random, -0.8) * loudness


def white(count: int, random: np.random.Generator) -> np.ndarray:
    return random.standard_normal(count)


def shaped(count: int, random: np.random.Generator, slope: float) -> np.ndarray:
    """Noise whose amplitude falls with frequency to the power of `slope`, from 40 Hz; unit variance."""
    frequencies = np.fft.rfftfreq(count, 1 / RATE)
    spectrum = np.fft.rfft(random.standard_normal(count)) * np.maximum(frequencies, 40) ** slope
    noise = np.fft.irfft(spectrum * (frequencies > 20), count)
    return noise / noise.std()


def music(seconds: float, tempo: float) -> np.ndarray:
    """A melody over chords and a bass, every note with six harmonics; full scale."""
    beat = 60 / tempo
    song = np.zeros(int((seconds + 3) * RATE))
    for number in range(int(seconds / beat)):
        chord = CHORDS[number // 4 % 4]
        notes = [(chord[number % 3] + 12, 1.2 * beat, 0.5), (chord[0] - 24, 2 * beat, 0.6)]
        if number % 4 == 0:
            notes += [(note, 4.4 * beat, 0.35) for note in chord]
        for semitones, length, gain in notes:
            sound = gain * note_of(261.63 * 2 ** (semitones / 12), length)
            first = int(number * beat * RATE)
            song[first : first + len(sound)] += sound[: len(song) - first]
    return (song / np.abs(song).max())[: int(seconds * RATE)]


def note_of(frequency: float, seconds: float) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    envelope = np.minimum(1, time / 0.01) * np.exp(-2 * time / seconds)
    return envelope * sum(np.sin(2 * np.pi * frequency * n * time) / n for n in range(1, 7))
