"""How much of the model's output is used: noise goes at the frequencies where it is, speech stays elsewhere.

The model takes some of the speech with the noise, at every frequency, though wind, say, spoils the lowest
alone. So what it has removed is measured over the whole recording, and given back where little was noise.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from containers.deepfilternet.sound import Block

WINDOW = 1024  # samples at 48 kHz: 47 Hz between frequencies
HOP = WINDOW // 2
# Chosen on the telephone call of benchmarks/sound.md.
UNTOUCHED, MOST_LOWERED = 14.0, 18.0  # dB: of speech above noise where nothing is lowered; lowered at most
SMOOTHING = np.ones(3) / 3  # over neighbouring frequencies

Powers = NDArray[np.float64]  # (frequencies, channels)


class Removed:
    """Mean powers over a recording of what the model keeps and of what it removes."""

    def __init__(self, channels: int) -> None:
        self._rest = np.zeros((0, 2 * channels), np.float32)
        self._sum = np.zeros((HOP + 1, 2 * channels))
        self._taper = np.hanning(WINDOW + 1)[:-1, None].astype(np.float32)

    def add(self, given: Block, cleaned: Block) -> None:
        """48 kHz samples (n, channels) before and after the model."""
        samples = np.concatenate([self._rest, np.concatenate([cleaned, given - cleaned], axis=1)])
        count = max(0, (len(samples) - WINDOW) // HOP + 1)
        for start in range(0, count * HOP, HOP):
            spectrum = np.fft.rfft(samples[start : start + WINDOW] * self._taper, axis=0)
            self._sum += np.square(np.abs(spectrum))
        self._rest = samples[count * HOP :]

    def powers(self) -> tuple[Powers, Powers]:
        """(kept, removed), up to a common factor; the last samples are filled up with silence."""
        padded = np.pad(self._rest, ((0, WINDOW - len(self._rest)), (0, 0))) * self._taper
        total = self._sum + np.square(np.abs(np.fft.rfft(padded, axis=0)))
        kept, removed = np.split(total, 2, axis=1)
        return kept, removed


def choose_shares(kept: Powers, removed: Powers) -> Powers:
    """The share of what was removed that is given back, by frequency and channel."""
    above = 10 * np.log10((_smooth(kept) + 1e-12) / (_smooth(removed) + 1e-12))
    return 10 ** (-np.clip(UNTOUCHED - above, 0, MOST_LOWERED) / 20)


def share_of(limit: float | None) -> float:
    """DeepFilterNet's attenuation limit: of the input, the share 10^(-limit / 20) stays."""
    return 0.0 if limit is None else 10 ** (-limit / 20)


def lowered_db(shares: Powers, removed: Powers) -> float | None:
    """By how many decibels all that the model calls noise is lowered; None when it removed nothing."""
    total = removed.sum()
    left = float((shares**2 * removed).sum() / total) if total else 0.0
    return round(-10 * float(np.log10(left)), 1) if left else None


def mix(pairs: Iterable[tuple[Block, Block]], shares: Powers) -> Iterator[Block]:
    """cleaned + filtered (given - cleaned), aligned to the sample, in blocks of any size.

    The filter has linear phase; its delay of half a window is taken out again.
    """
    taps = np.roll(np.fft.irfft(shares, axis=0), HOP, axis=0) * np.hanning(WINDOW + 1)[:-1, None]
    tail = np.zeros((WINDOW - 1, shares.shape[1]))
    waiting: list[Block] = [np.zeros((0, shares.shape[1]), np.float32)]
    early = HOP

    def add(back: NDArray[np.float64]) -> Block:
        nonlocal early
        skipped = min(early, len(back))
        early -= skipped
        cleaned = np.concatenate(waiting)
        ready = back[skipped:][: len(cleaned)]
        waiting[:] = [cleaned[len(ready) :]]
        return np.asarray(cleaned[: len(ready)] + ready, np.float32)

    for given, cleaned in pairs:
        waiting.append(cleaned)
        size = 1 << (len(given) + WINDOW - 2).bit_length()
        back = np.fft.irfft(
            np.fft.rfft(given - cleaned, size, axis=0) * np.fft.rfft(taps, size, axis=0), size, axis=0
        )[: len(given) + WINDOW - 1]
        back[: len(tail)] += tail
        tail = back[len(given) :]
        yield add(back[: len(given)])
    yield add(tail)


def _smooth(powers: Powers) -> Powers:
    return np.stack([np.convolve(channel, SMOOTHING, "same") for channel in powers.T], axis=1)
