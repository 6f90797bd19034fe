"""Speech and noise with nothing unknown about them, for benchmarks/sound.py."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from scipy import signal

from containers.common.audio import stream_audio
from tasks.demo_media import sample_speech

RATE = 48_000
TEXTS = {
    "en-us": "The north wind and the sun were disputing which was the stronger, when a traveller came along "
    "wrapped in a warm cloak. They agreed that the one who first made him take it off was the stronger.",
    "ko": "안녕하세요. 오늘 날씨가 참 좋네요. 우리는 공원에 산책을 가려고 합니다. 같이 가시겠어요?",
}


def clean_speech() -> dict[str, np.ndarray]:
    """Name to samples at 48 kHz: a telephone call, and a synthetic voice where espeak-ng is installed."""
    call = load(sample_speech())
    clips = {"call, two voices": call[6 * RATE : 20 * RATE], "call, end": call[20 * RATE :]}
    if shutil.which("espeak-ng"):
        clips |= {f"espeak-ng {language}": speak(language, text) for language, text in TEXTS.items()}
    return clips


def load(path: Path) -> np.ndarray:
    return np.concatenate(list(stream_audio(path, RATE)))


def speak(language: str, text: str) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "speech.wav")
        subprocess.run(["espeak-ng", "-v", language, "-w", path, text], check=True)
        return load(path)


def background(count: int, random: np.random.Generator) -> np.ndarray:
    """A room with machines: pink noise to which mains hum and a fan's tone are added."""
    time = np.arange(count) / RATE
    hum = sum(np.sin(2 * np.pi * 50 * n * time + n) / n for n in range(1, 6))
    return shaped(count, random, -0.5) / 1.0 + 0.3 * hum + 0.1 * np.sin(2 * np.pi * 720 * time)


def white(count: int, random: np.random.Generator) -> np.ndarray:
    return random.standard_normal(count)


def wind(count: int, random: np.random.Generator) -> np.ndarray:
    """Low-frequency rumble that swells and falls with the gusts, as a microphone picks it up."""
    gusts = np.repeat(random.random(2 * count // RATE + 3) ** 2 + 0.05, RATE // 2)[:count]
    return shaped(count, random, -1.5) * signal.lfilter(*signal.butter(1, 2, fs=RATE), gusts)


def shaped(count: int, random: np.random.Generator, slope: float) -> np.ndarray:
    """Noise whose amplitude falls with frequency to the power of `slope`, from 40 Hz; unit variance."""
    frequencies = np.fft.rfftfreq(count, 1 / RATE)
    spectrum = np.fft.rfft(random.standard_normal(count)) * np.maximum(frequencies, 40) ** slope
    noise = np.fft.irfft(spectrum * (frequencies > 20), count)
    return noise / noise.std()


def babble(count: int, random: np.random.Generator) -> np.ndarray:
    """Twelve voices at once, from the call itself: speech hidden in speech."""
    call = load(sample_speech())[6 * RATE :]
    long = np.tile(call, count // len(call) + 2)
    return sum(long[start : start + count] for start in random.integers(0, len(call), 12))


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
