"""Working copies of sound: mono WAV of 32-bit float, which keeps what is quiet and what is too loud."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

SPEECH_RATE = 16_000  # Hz: what models of speech were trained on
FULL_RATE = 48_000  # Hz: DeepFilterNet and the taggers
SAMPLE_BYTES = 4
COPIES = {"audio_48k.wav": FULL_RATE, "audio_16k.wav": SPEECH_RATE}
GAP = 0.1  # seconds: times that jump further than this are filled with silence, or cut


class WavCopies:
    """The same sound at some rates, in step with the time of the media; `rates` in Hz by file name.

    Of what is given, the first `skip` seconds are left out, and what follows the next `most`; `seconds` are
    those that were given.
    """

    def __init__(
        self, folder: Path, rates: dict[str, int] = COPIES, skip: float = 0.0, most: float | None = None
    ) -> None:
        self.seconds = 0.0
        self._first, self._last = skip, None if most is None else skip + most
        self.files = [folder / name for name in rates]
        self._writers = [_Writer(folder / name, rate) for name, rate in rates.items()]

    def write(self, samples: NDArray[np.float32], rate: int) -> None:
        """Samples of shape (n,) that follow what was given."""
        first, last = self._within(len(samples) / rate)
        kept = samples[round(first * rate) : round(last * rate)]
        for writer in self._writers:
            writer.write(kept, rate)
        self.seconds += len(samples) / rate

    def write_silence(self, seconds: float) -> None:
        first, last = self._within(seconds)
        for writer in self._writers:
            writer.write_silence(last - first)
        self.seconds += seconds

    def _within(self, length: float) -> tuple[float, float]:
        """Of the next `length` seconds those that are kept."""
        last = length if self._last is None else min(length, self._last - self.seconds)
        first = min(max(self._first - self.seconds, 0.0), length)
        return first, max(first, last)

    def close(self) -> float:
        """Seconds written."""
        return max(writer.close() for writer in self._writers)


class _Writer:
    def __init__(self, path: Path, rate: int) -> None:
        self._rate = rate
        self._samples = 0
        self._given = 0
        self._file = av.open(str(path), "w", format="wav", options={"rf64": "auto"})
        self._stream = self._file.add_stream("pcm_f32le", rate=rate, layout="mono")
        self._resampler = self._new_resampler()

    def _new_resampler(self) -> av.AudioResampler:
        return av.AudioResampler(format="flt", layout="mono", rate=self._rate)

    def write(self, samples: NDArray[np.float32], rate: int) -> None:
        if rate != self._given:
            self._flush()
            self._given = rate
        if len(samples):
            self._encode(self._resampler.resample(_frame(samples, rate)))

    def write_silence(self, seconds: float) -> None:
        self._flush()
        left = round(seconds * self._rate)
        while left > 0:
            count = min(left, self._rate * 60)
            self._encode([_frame(np.zeros(count, np.float32), self._rate)])
            left -= count

    def close(self) -> float:
        self._flush()
        self._file.mux(self._stream.encode(None))
        self._file.close()
        return self._samples / self._rate

    def _flush(self) -> None:
        if self._given:
            self._encode(self._resampler.resample(None))
            self._resampler, self._given = self._new_resampler(), 0

    def _encode(self, blocks: list[av.AudioFrame]) -> None:
        for block in blocks:
            block.pts = self._samples
            block.time_base = Fraction(1, self._rate)
            self._samples += block.samples
            self._file.mux(self._stream.encode(block))


def _frame(samples: NDArray[np.float32], rate: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
    frame.sample_rate = rate
    return frame
