"""What one channel has of another's sound: heard in both, and written down once.

A microphone hears the other person too, and a telephone's line gives back an echo. In each second the part of
a channel's power that is a linear filtering of a louder channel's is its coherence with it (Bendat and
Piersol, "Random Data", chapter 6), after the echo's delay was taken out. Where that is most of it, nobody
else speaks in the channel, and it is turned down. People who speak at once are kept: they are not coherent.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from tasks.media.wav import SPEECH_RATE

WINDOW, HOP = 1024, 320  # samples: 64 ms every 20
BAND = (100, 4000)  # Hz: what a telephone carries
CONTEXT = 51  # frames, about a second: coherence of fewer is mostly chance
BLOCK = 1500  # frames analysed at once
FARTHEST = 0.4  # seconds of an echo
LEAKED = 0.4  # share of a channel's power that is another's; of people who speak at once 0.1
SAME = 0.8  # the same, where both are equally loud: one sound in both
EVEN = 0.5  # dB between two that are equally loud
LOUDER = 3.0  # dB by which the other channel has to be louder
SMOOTH = 5  # frames of a level
QUIET = 0.0  # what leaked is turned down to: the networks that listen hear speech however quiet it is
FLOOR = 1e-7  # mean square (-70 dBFS) that is silence
LEAST_SAID, LEAST_SHARE = 2.0, 0.1  # seconds, and share of all, that each of two people speaks alone
MOST_BOTH = 0.35  # share in which both do
APART = 10.0  # dB
ABOVE = 10.0  # dB above a channel's own floor that are sound
Sound = NDArray[np.float32]
Frames = NDArray[np.float64]


class Seconds(NamedTuple):
    """In two channels: where one alone sounds, both do, and how much louder than the other each then is."""

    alone: tuple[float, float]
    both: float
    apart: tuple[float, float]  # median of dB, while alone

    @property
    def two_people(self) -> bool:
        """Whether each channel is one person's: they take turns, far louder in their own channel.

        Two microphones of a room differ by a few dB, music sounds in both, and one voice in both or in one
        leaves the other channel nothing of its own.
        """
        whole = sum(self.alone) + self.both
        own = min(self.alone) >= max(LEAST_SAID, LEAST_SHARE * whole)
        return own and self.both <= MOST_BOTH * whole and min(self.apart) >= APART


class Crosstalk:
    """Of mono files of one length and SPEECH_RATE, float32."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._sounds = [_mapped(file) for file in files]
        length = min(map(len, self._sounds))
        self._count = max(0, 1 + (length - WINDOW) // HOP)
        self.levels = np.full((len(files), self._count), 1e-12)  # mean square within BAND
        self.leaked = np.zeros((len(files), self._count), bool)
        for first in range(0, self._count, BLOCK):
            self._look(first, min(first + BLOCK, self._count))

    def _look(self, first: int, last: int) -> None:
        begin, end = max(first - CONTEXT, 0), min(last + CONTEXT, self._count)
        own = slice(first - begin, last - begin)
        blocks = [self._samples(number, begin, end) for number in range(len(self._sounds))]
        spectra = [_spectra(block) for block in blocks]
        single = [np.square(np.abs(each)).sum(axis=1) for each in spectra]
        powers = [uniform_filter1d(each, SMOOTH) for each in single]
        steady = [
            uniform_filter1d(each, CONTEXT) for each in single
        ]  # of which one word is no more than the next
        for number, power in enumerate(powers):
            self.levels[number, first:last] = power[own] / WINDOW**2 + 1e-12
        for number in range(len(blocks)):
            for other in range(len(blocks)):
                if other == number or not powers[other].any() or not powers[number].any():
                    continue
                lag = _lag(blocks[number], blocks[other])
                late = _spectra(self._samples(other, begin, end, lag)) if lag else spectra[other]
                share = _explained(spectra[number], late)
                louder, usually = (
                    10 * np.log10((each[other] + 1e-12) / (each[number] + 1e-12)) for each in (powers, steady)
                )
                # Of one sound in both the louder is kept, the first where nobody could tell.
                second = (usually > EVEN) | ((usually >= -EVEN) & (other < number))
                twice = (share > SAME) & (usually <= LOUDER) & second
                leaked = (share > LEAKED) & (louder > LOUDER) | twice
                self.leaked[number, first:last] |= leaked[own]

    def _samples(self, number: int, begin: int, end: int, lag: int = 0) -> Sound:
        """Of frames `begin` to `end`, `lag` samples earlier."""
        start, stop = begin * HOP - lag, (end - 1) * HOP + WINDOW - lag
        found = np.asarray(self._sounds[number][max(start, 0) : max(stop, 0)])
        return np.concatenate([np.zeros(min(max(-start, 0), stop - start), np.float32), found])

    def turn_down(self) -> float:
        """What leaked is quiet in the files from now on. Returns the seconds of it that could be heard."""
        sounding = self._sounding()
        for number, sound in enumerate(self._sounds):
            if not sounding[number].any():
                continue  # a tone, or noise: nobody speaks, nor is anybody heard
            # Words begin and end softly: what is kept begins a little earlier and ends later.
            closed = minimum_filter1d(self.leaked[number].astype(np.float32), 5)
            middles = np.arange(self._count) * HOP + WINDOW // 2
            for start, stop in _runs(maximum_filter1d(closed, 3) > 0):
                first = max(middles[start] - 4 * HOP, 0) if start else 0
                last = len(sound) if stop == self._count else min(middles[stop - 1] + 4 * HOP, len(sound))
                gain = np.interp(np.arange(first, last), middles, 1 - (1 - QUIET) * closed)
                sound[first:last] *= gain.astype(np.float32)
            sound.flush()
        return float((self.leaked & sounding).sum()) * HOP / SPEECH_RATE

    def seconds(self) -> Seconds:
        """Of two channels."""
        sounding = self._sounding() & ~self.leaked
        ratio = 10 * np.log10(self.levels[0] / self.levels[1])
        alone = (sounding[0] & ~sounding[1], sounding[1] & ~sounding[0])
        second = HOP / SPEECH_RATE
        return Seconds(
            alone=(alone[0].sum() * second, alone[1].sum() * second),
            both=(sounding[0] & sounding[1]).sum() * second,
            apart=(_median(ratio[alone[0]]), _median(-ratio[alone[1]])),
        )

    def _sounding(self) -> NDArray[np.bool_]:
        floor = np.quantile(self.levels, 0.1, axis=1, keepdims=True) if self._count else self.levels
        return self.levels > np.maximum(floor * 10 ** (ABOVE / 10), FLOOR)


def _mapped(file: Path) -> np.memmap:
    _, read = wavfile.read(file, mmap=True)
    samples: Any = read  # scipy's types do not know of `mmap`
    if not len(samples):
        return np.zeros(0, np.float32).view(np.memmap)
    return np.memmap(file, np.float32, "r+", samples.offset, samples.shape)


def _spectra(block: Sound) -> NDArray[np.complex64]:
    """(frames, bins) within BAND."""
    low, high = (edge * WINDOW // SPEECH_RATE for edge in BAND)
    frames = np.lib.stride_tricks.sliding_window_view(block, WINDOW)[::HOP]
    return np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32))[:, low:high].astype(np.complex64)


def _lag(block: Sound, other: Sound) -> int:
    """Samples by which what `block` has of `other` is later: the peak of GCC-PHAT, up to FARTHEST."""
    size = len(block) + len(other)
    cross = np.fft.rfft(block, size) * np.fft.rfft(other, size).conj()
    found = np.fft.irfft(cross / (np.abs(cross) + 1e-12), size)[: round(FARTHEST * SPEECH_RATE)]
    best = int(np.abs(found).argmax())
    # What is within the window needs no help.
    return best if best > WINDOW // 8 and np.abs(found[best]) > 8 * found.std() else 0


def _explained(own: NDArray[np.complex64], other: NDArray[np.complex64]) -> Frames:
    """(frames,): the share of `own`'s power that is `other`, filtered."""

    def mean(values: NDArray) -> NDArray:
        return uniform_filter1d(values, CONTEXT, axis=0)

    cross = own * other.conj()
    common = np.square(mean(cross.real)) + np.square(mean(cross.imag))
    power = mean(np.square(np.abs(own)))
    share = common / (mean(np.square(np.abs(other))) + 1e-12)
    return (np.minimum(share, power).sum(axis=1) / (power.sum(axis=1) + 1e-12)).astype(np.float64)


def _runs(chosen: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], chosen.view(np.int8), [0]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _median(values: Frames) -> float:
    return float(np.median(values)) if len(values) else 0.0
