"""Channels of any number to one, without losing what they hold.

The mean of a stereo pair in opposite phase is silence, and one channel of noise covers the other: each second
of a pair is looked at, and what was done differently is said.
"""

from collections.abc import Iterator

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from tasks.media.damage import FRAME, Comparison, remove_offset

Samples = NDArray[np.float32]
LOUDER = 4.0  # the difference of a pair has so many times the power of its sum: opposite phases
FADE = 0.02  # seconds from one mix to another
WINDOW, WINDOWS = 1024, 8  # samples of a spectrum; spectra looked at each second
# Flatness (geometric over arithmetic mean of the power) of 8 averaged spectra of white noise is 0.94, of
# speech, music and rooms below 0.5.
NOISE, SIGNAL = 0.85, 0.5
BAND = (300, 7000)  # Hz: codecs cut above, hum lies below
LOUD = 1e-5  # mean square (-50 dBFS)
LARGEST = 64.0  # of full scale: what is beyond comes from damage
FAULTS = {
    "turned": "the two channels have opposite phase, and one is turned over",
    "left": "the first channel is noise and is left out",
    "right": "the second channel is noise and is left out",
    "hums 0": "the first channel hums and is left out",
    "hums 1": "the second channel hums and is left out",
    "clipped 0": "the first channel is clipped and is left out",
    "clipped 1": "the second channel is clipped and is left out",
    "late 0": "the first channel is the second, later, and is left out",
    "late 1": "the second channel is the first, later, and is left out",
    "broken": "one channel bursts or drops out, and the other is taken",
}
LEAST_TOLD = {"broken": 0.02}  # seconds


class Mixer:
    """Sound of one stream, float32 mono in blocks at the stream's own rate."""

    def __init__(self) -> None:
        self._held: list[Samples] = []
        self._rate = 0
        self._weights = np.array([0.5, 0.5], np.float32)
        self._noisy = [0, 0]  # seconds in a row that each channel was noise
        self._seconds = dict.fromkeys(FAULTS, 0.0)
        self._total = 0.0
        self._comparison = Comparison()
        self._means: NDArray[np.float32] | None = None
        self._offset = 0.0  # seconds in which there was one
        self._resampler: av.AudioResampler | None = None
        self._kind: tuple[object, ...] = ()
        self._broken = 0

    @property
    def notes(self) -> list[str]:
        notes = [
            f"In {seconds:.{0 if seconds >= 1 else 2}f} of {round(self._total)} s of sound {FAULTS[fault]}."
            for fault, seconds in self._seconds.items()
            if seconds >= LEAST_TOLD.get(fault, 0.5)
        ]
        if self._offset >= 0.5:
            notes.append(
                f"In {round(self._offset)} of {round(self._total)} s a constant offset is taken out."
            )
        return notes + ([f"{self._broken} samples of sound are no numbers."] if self._broken else [])

    @property
    def held(self) -> float:
        """Seconds that are held back."""
        return sum(block.shape[1] for block in self._held) / self._rate if self._held else 0.0

    def mix(self, frame: av.AudioFrame) -> Iterator[tuple[Samples, int]]:
        """What can be mixed now, shape (samples,), and its rate.

        A pair is held back until a second is there.
        """
        planes = self._planes(frame)
        if len(planes) != 2:
            yield from self.flush()
            yield (planes[0] if len(planes) == 1 else planes.mean(axis=0)), frame.sample_rate
            return
        if self._held and frame.sample_rate != self._rate:
            yield from self.flush()
        self._rate = frame.sample_rate
        self._held.append(planes)
        if sum(block.shape[1] for block in self._held) >= self._rate:
            yield from self.flush()

    def flush(self) -> Iterator[tuple[Samples, int]]:
        """What was held back."""
        if self._held:
            pair = np.concatenate(self._held, axis=1)
            self._held.clear()
            yield self._mix_pair(pair), self._rate

    def _planes(self, frame: av.AudioFrame) -> Samples:
        """(channels, samples): one or two channels as they are, more as libswresample mixes them, or
        unmixed where it does not know where they belong."""
        count = len(frame.layout.channels)
        planes = _own_planes(frame, count)
        if planes is None:
            planes = self._converted(frame, count)
        if planes.size and not (planes.max() <= LARGEST and planes.min() >= -LARGEST):  # also with NaNs
            sound = np.abs(planes) <= LARGEST
            self._broken += int((~sound).sum())
            planes = np.where(sound, planes, np.float32(0))
        return planes

    def _converted(self, frame: av.AudioFrame, count: int) -> Samples:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._kind:
            self._kind = kind
            self._resampler = av.AudioResampler("flt", "mono" if count > 2 else frame.layout)
        assert self._resampler
        try:
            return planes_of(frame, self._resampler)
        except (ValueError, av.error.FFmpegError):
            self._resampler = av.AudioResampler("flt", frame.layout)
            return planes_of(frame, self._resampler)

    def _mix_pair(self, pair: Samples) -> Samples:
        seconds = pair.shape[1] / self._rate
        pair, self._means = remove_offset(pair, self._means)
        self._offset += seconds * bool(self._means.any())
        before, broken = self._weights, self._choose(pair, seconds)
        self._total += seconds
        if broken is not None:
            return self._patch(pair, broken)
        if (before == self._weights).all() or self._total == seconds:
            return self._weights @ pair
        fade = min(round(FADE * self._rate), pair.shape[1])
        rising: Samples = np.ones(pair.shape[1], np.float32)
        rising[:fade] = np.linspace(0, 1, fade, dtype=np.float32)
        return ((before @ pair) * (1 - rising) + (self._weights @ pair) * rising).astype(np.float32)

    def _patch(self, pair: Samples, broken: NDArray[np.bool_]) -> Samples:
        """The mix, with one channel alone in the frames (2, n) in which the other is broken."""
        self._seconds["broken"] += float(broken.any(axis=0).sum()) * FRAME
        wide = broken | np.roll(broken, 1, axis=1) | np.roll(broken, -1, axis=1)
        middles = (np.arange(broken.shape[1]) + 0.5) * FRAME * self._rate
        shares = [np.interp(np.arange(pair.shape[1]), middles, 1.0 - each) for each in wide]
        mixed = np.zeros(pair.shape[1])
        for channel, (own, other) in enumerate((shares, shares[::-1])):
            alone = np.sign(self._weights[channel]) * self._comparison.kept(channel)
            mixed += pair[channel] * own * (other * self._weights[channel] + (1 - other) * alone)
        return mixed.astype(np.float32)

    def _choose(self, pair: Samples, seconds: float) -> NDArray[np.bool_] | None:
        """Sets the weights; frames (2, n) in which a channel is not to be heard, where there are some."""
        flat = [_flatness(channel, self._rate) for channel in pair]
        for number in range(2):
            noisy = flat[number] >= NOISE and flat[1 - number] < SIGNAL
            self._noisy[number] = self._noisy[number] + 1 if noisy else 0
        for number, fault in enumerate(("left", "right")):
            if self._noisy[number] >= 2:
                self._seconds[fault] += seconds
                self._weights = np.array([0.5 * number, 0.5 * (1 - number)], np.float32)
                return None
        verdict = self._comparison.judge(pair, self._rate)
        if verdict.fault:
            self._seconds[f"{verdict.fault} {verdict.channel}"] += seconds
            self._weights = np.zeros(2, np.float32)
            self._weights[1 - verdict.channel] = verdict.gain
            return None
        added, taken = (float(np.square(pair[0] + sign * pair[1]).sum()) for sign in (1, -1))
        turned = taken > LOUDER * added or (self._weights[1] < 0 and taken > added)
        self._seconds["turned"] += seconds * turned
        self._weights = np.array([0.5, -0.5 if turned else 0.5], np.float32)
        return verdict.broken


def _flatness(channel: Samples, rate: int) -> float:
    """1 for white noise, 0 for silence and tones: within BAND, of a second or so."""
    if len(channel) < WINDOW * 2 or float(np.square(channel).mean()) < LOUD:
        return 0.0
    starts = np.linspace(0, len(channel) - WINDOW, WINDOWS).astype(int)
    windows = np.stack([channel[start : start + WINDOW] for start in starts]) * np.hanning(WINDOW)
    power = (np.abs(np.fft.rfft(windows)) ** 2).mean(axis=0)
    low, high = (round(edge * WINDOW / rate) for edge in BAND)
    power = power[max(low, 1) : high] + 1e-12
    return float(np.exp(np.log(power).mean()) / power.mean()) if len(power) > 16 else 0.0


def _own_planes(frame: av.AudioFrame, count: int) -> Samples | None:
    """(channels, samples) of formats that nearly all decoders give, without a resampler; None of others."""
    if count > 2 or frame.format.name not in ("fltp", "flt", "s16p", "s16"):
        return None
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, count).T
    planes = np.ascontiguousarray(samples, np.float32)  # one channel after the other: sums of each are fast
    return planes * np.float32(1 / 32768) if samples.dtype == np.int16 else planes


def planes_of(frame: av.AudioFrame, resampler: av.AudioResampler) -> Samples:
    """Samples of shape (channels, n) of what a resampler to packed float makes of a frame.

    Packed, since PyAV reads beyond the planes of a frame that has one for each of 8 channels.
    """
    frame.pts = None
    blocks = [
        block.to_ndarray().reshape(-1, len(block.layout.channels)) for block in resampler.resample(frame)
    ]
    if not blocks:
        return np.zeros((1, 0), np.float32)
    return np.ascontiguousarray(np.concatenate(blocks).T, np.float32)
