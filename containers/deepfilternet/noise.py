"""How noisy a recording is, from what DeepFilterNet itself estimates for every 10 ms, and what follows."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from containers.deepfilternet.contract import NoiseAt, NoiseEstimate

FRAME_RATE = 100
# Noise alone is estimated at -15 dB, speech as loud as its noise at -3 to 8 dB.
SPEECH = -5.0
SILENCE = 1e-8  # mean square: the estimate means nothing below
FAINTEST = 1e-10  # the same before any gain: -100 dBFS is what rounding to 16 bits leaves of silence
# Clean speech is estimated at 30 dB and more, speech 10 dB above its noise at 20 dB at most
# (benchmarks/sound.md).
CLEAN = 20.0
LEAST_SPEECH = 0.3  # seconds

Frames = NDArray[np.float64]


class NoiseMeter:
    """Takes frames as they pass; 16 bytes stay of each."""

    def __init__(self, gain: float) -> None:
        """`gain`: what the samples were multiplied with before they were measured."""
        self._gain = gain
        self._power: list[Frames] = []
        self._snr: list[Frames] = []

    def add(self, power: NDArray[np.floating], snr_db: NDArray[np.floating]) -> None:
        """Mean squares and local SNR in dB, both of shape (frames, channels); loud channels count more."""
        weight = power.astype(np.float64) + 1e-20
        self._power.append(weight.mean(axis=1))
        ratio = (10 ** (snr_db / 10) * weight).sum(axis=1) / weight.sum(axis=1)
        self._snr.append(10 * np.log10(ratio))

    def _frames(self) -> tuple[Frames, Frames, NDArray[np.bool_]]:
        empty = [np.zeros(0)]
        power, snr = np.concatenate(self._power or empty), np.concatenate(self._snr or empty)
        real = power / self._gain**2
        return real, snr, (snr > SPEECH) & (power > SILENCE) & (real > FAINTEST)

    def estimate(self) -> NoiseEstimate:
        power, snr, speech = self._frames()
        audible = power > 0
        return NoiseEstimate(
            snr_db=_round(np.median(snr[speech])) if speech.any() else None,
            speech_seconds=round(int(speech.sum()) / FRAME_RATE, 2),
            speech_db=_decibel(power[speech]) if speech.any() else None,
            noise_db=_decibel(power[audible & ~speech]) if (audible & ~speech).any() else None,
        )

    def track(self) -> list[NoiseAt]:
        """One entry a second."""
        power, snr, speech = self._frames()
        seconds = []
        for first in range(0, len(power), FRAME_RATE):
            part = slice(first, first + FRAME_RATE)
            speech_snr = snr[part][speech[part]]
            seconds.append(
                NoiseAt(
                    time=first / FRAME_RATE,
                    level_db=_decibel(power[part]),
                    speech=round(float(speech[part].mean()), 2),
                    snr_db=_round(np.median(speech_snr)) if len(speech_snr) else None,
                )
            )
        return seconds


def decide(mode: Literal["auto", "on", "off"], noise: NoiseEstimate) -> tuple[bool, str]:
    """Whether the denoised audio is to be used, and why in one sentence."""
    if mode != "auto":
        return mode == "on", f"Denoising was switched {mode}."
    if noise.snr_db is None or noise.speech_seconds < LEAST_SPEECH:
        return False, "There is no speech that denoising could help."
    if noise.snr_db > CLEAN:
        return False, f"Speech is clean: {noise.snr_db:.0f} dB above the noise."
    return True, f"Speech is only {noise.snr_db:.0f} dB above the noise."


def _decibel(power: Frames) -> float:
    return _round(10 * np.log10(max(power.mean(), 1e-12)))


def _round(value: float | np.floating) -> float:
    return round(float(value), 1)
