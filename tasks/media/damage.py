"""What is wrong with one channel of a pair that holds one sound, and how much of each channel to take.

A channel is left out only where the other holds the same sound: they are alike where their cross-correlation
within 50 ms (Knapp and Carter, "The generalized correlation method for estimation of time delay", 1976,
without its weighting) has a high peak. What is damaged in a channel of its own is kept: it is all there is.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
LOW_RATE = 8_000  # Hz, about, at which channels are compared
FARTHEST = 0.05  # seconds by which one may be behind the other
NOTHING_ELSE = 0.97  # share of a hum beside which there is nothing
ALIKE = 0.5  # peak of the cross-correlation of channels that hold one sound, somehow
COPY = 0.9  # of a copy. Two microphones of a room come to 0.3 to 0.8
CLOSE = 0.8  # of channels that say of each other where one is broken
AT_ONCE = 0.7  # of the peak, without any lag: a tone is like itself at every period
EQUAL = 3.0  # times the amplitude: what leaks is quieter
OVERDRIVEN = 8.0  # times, of a channel that is too loud
LATE = 0.003  # seconds: a copy that is so much later thins the mean out from 170 Hz on
FRAME = 0.01  # seconds in which a burst or a dropout is looked for
BURST, HOLE = 30.0, 1e-3  # times the power of the other channel, and of its own usual one
SOUNDING = 0.3  # times its usual power: not a pause
MAINS = (50, 60)  # Hz
LOUDER = 10.0  # times the power of the other channel on the same frequencies
HUM = 0.5  # share of a channel's power on the first ten multiples
NEAR_PEAK = 0.9  # of the largest sample: of speech 0.1 % of the samples are beyond, clipped 5 % and more
CLIPPED = 0.02
LONGEST_HELD = 5  # seconds for which a pause may last until a hum is part of the mix again
OFFSET = 0.003  # of full scale (-50 dBFS)
OFFSET_SHARE = 0.1  # of the deviation: the mean of a second of low sounds is none


class Verdict(NamedTuple):
    """Of a second or so: what is wrong with which channel (0 or 1), and frames that are to be left out."""

    fault: str = ""  # hums, clipped, late
    channel: int = 0
    gain: float = 1.0  # of the other channel, to be as loud as the mean would be
    broken: NDArray[np.bool_] | None = None  # (2, frames) of FRAME


class Comparison:
    """Of one pair, second by second."""

    def __init__(self) -> None:
        self._close = False  # whether the last whole second held one sound, nearly the same in both
        self._gain = 1.0  # of the first channel over the second, then
        self._last = Verdict()  # of a second with one sound
        self._held = 0  # seconds without, since

    def judge(self, pair: Samples, rate: int) -> Verdict:
        """`pair`: (2, samples) without offset, at `rate` Hz."""
        if np.array_equal(pair[0], pair[1]):
            self._close, self._gain = True, 1.0
            return Verdict()
        step = max(rate // LOW_RATE, 1)
        count = pair.shape[1] // step
        if count < LOW_RATE // 4:
            return Verdict()
        low = pair[:, : count * step].reshape(2, count, step).mean(axis=2)
        spectra = np.fft.rfft((low - low.mean(axis=1, keepdims=True)) * _window(count), 2 * count)
        hums = [_hum(channel, rate / step) for channel in low]
        if max(hums) > HUM:
            _without_mains(spectra, rate / step)
        broken = self._broken(pair, rate) if self._close else None
        peak, lag, at_once = _peak(spectra, rate / step)
        if abs(peak) < ALIKE:
            if verdict := _hum_alone(low, hums):
                return verdict
            held = self._last.fault == "hums" and hums[self._last.channel] > HUM and self._held < LONGEST_HELD
            self._held += 1
            return self._last if held else Verdict(broken=broken)
        self._held = 0
        if broken is None:
            self._close = abs(peak) >= CLOSE and self._equal
            first, second = (float(np.square(np.abs(each)).sum()) for each in spectra)
            self._gain = float(np.clip(np.sqrt(first / max(second, 1e-12)), 0.1, 10))
        is_copy = abs(peak) >= COPY and abs(lag) >= LATE and abs(at_once) < AT_ONCE * abs(peak)
        self._last = self._fault(pair, lag if is_copy else 0.0, hums)
        return self._last if self._last.fault else Verdict(broken=broken)

    @property
    def _equal(self) -> bool:
        """Whether both are about equally loud: of what leaks from one person's channel into another's little
        can be heard."""
        return 1 / EQUAL <= self._gain <= EQUAL

    def _fault(self, pair: Samples, late: float, hums: list[float]) -> Verdict:
        clipped = [_near_peak(channel) for channel in pair]
        lines = [share * float(np.square(channel).mean()) for share, channel in zip(hums, pair, strict=True)]
        for channel, other in ((0, 1), (1, 0)):
            if self._equal and hums[channel] > HUM and lines[channel] > LOUDER * lines[other]:
                return Verdict("hums", channel, self.kept(other))
            near = 1 / OVERDRIVEN <= self._gain <= OVERDRIVEN
            if near and clipped[channel] > CLIPPED and clipped[other] < clipped[channel] / 5:
                return Verdict("clipped", channel, 1.0)
        if late and self._equal:
            channel = 1 if late > 0 else 0
            return Verdict("late", channel, self.kept(1 - channel))
        return Verdict()

    def kept(self, channel: int) -> float:
        """What makes a channel as loud as the mean of both."""
        other = 1 / self._gain if channel == 0 else self._gain
        return 0.5 + 0.5 * min(other, 1.0)

    def _broken(self, pair: Samples, rate: int) -> NDArray[np.bool_] | None:
        """Frames in which one of two channels that held one sound alone bursts or drops out."""
        size = max(round(FRAME * rate), 1)
        count = pair.shape[1] // size
        power = np.square(pair[:, : count * size].reshape(2, count, size)).mean(axis=2) + 1e-12
        power[1] *= self._gain**2
        usual = np.median(power, axis=1, keepdims=True)
        other = power[::-1]
        burst = (power > BURST * other) & (power > BURST * usual)
        hole = (power < HOLE * other) & (power < HOLE * usual) & (other > SOUNDING * usual[::-1])
        broken = burst | hole
        broken &= ~broken[::-1]
        return broken if broken.any() and broken.mean(axis=1).max() < 0.9 else None


def remove_offset(pair: Samples, before: NDArray[np.float32] | None) -> tuple[Samples, NDArray[np.float32]]:
    """Channels about their own mean, without a step from one block to the next; and the means.

    What is small is left: there are recordings without any silence, and means of a second of them.
    """
    means = pair.mean(axis=1)
    means[np.abs(means) < np.maximum(OFFSET, OFFSET_SHARE * pair.std(axis=1))] = 0
    since = means if before is None else before
    if not means.any() and not since.any():
        return pair, means
    ramp = np.minimum(np.arange(pair.shape[1], dtype=np.float32) / max(pair.shape[1] // 20, 1), 1)
    return pair - (since[:, None] + (means - since)[:, None] * ramp), means


def _peak(spectra: NDArray[np.complex128], rate: float) -> tuple[float, float, float]:
    """Of the normalised cross-correlation, its lag in seconds (positive: the second channel is later), and
    the correlation without lag."""
    power = np.sqrt(np.square(np.abs(spectra)).sum(axis=1).prod())
    if not power > 0:
        return 0.0, 0.0, 0.0
    cross = np.fft.irfft(spectra[1] * spectra[0].conj())
    # irfft counts all but the first and the last bin twice and divides by the number of samples.
    scaled = cross * len(cross) / (2 * power)
    most = round(FARTHEST * rate)
    near = np.concatenate([scaled[-most:], scaled[: most + 1]])
    best = int(np.abs(near).argmax())
    return float(near[best]), (best - most) / rate, float(near[most])


def _hum(channel: Samples, rate: float) -> float:
    """The share of the power that is on multiples of the mains' frequency."""
    windowed = (channel - channel.mean()) * _window(len(channel))
    power = np.square(np.abs(np.fft.rfft(windowed)))
    total = float(power.sum())
    if not total > 0:
        return 0.0
    lines = (_lines(hertz, len(channel), rate) for hertz in MAINS)
    return max(float(power[line[line < len(power)]].sum()) for line in lines) / total


def _without_mains(spectra: NDArray[np.complex128], rate: float) -> None:
    for hertz in MAINS:
        lines = _lines(hertz, 2 * (spectra.shape[1] - 1), rate, width=6)
        spectra[:, lines[lines < spectra.shape[1]]] = 0


def _lines(hertz: int, count: int, rate: float, width: int = 2) -> NDArray[np.intp]:
    """Bins about the first ten multiples, of a transform of `count` samples."""
    middles = np.round(hertz * np.arange(1, 11) * count / rate).astype(np.intp)
    return (middles[:, None] + np.arange(-width, width + 1)).ravel()


def _hum_alone(low: Samples, hums: list[float]) -> Verdict | None:
    power = np.square(low - low.mean(axis=1, keepdims=True)).mean(axis=1)
    for channel, other in ((0, 1), (1, 0)):
        rest = (1 - hums[channel]) * power[channel]
        louder = hums[channel] * power[channel] > LOUDER * hums[other] * power[other]
        if hums[channel] > NOTHING_ELSE and louder and power[other] > rest:
            return Verdict("hums", channel, 1.0)
    return None


@cache
def _window(count: int) -> NDArray[np.float64]:
    return np.hanning(count)


def _near_peak(channel: Samples) -> float:
    level = np.abs(channel)
    return float((level >= NEAR_PEAK * level.max(initial=0)).mean()) if level.any() else 0.0
