"""Audio in and out of the images, through PyAV: no system ffmpeg."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import av
import av.error
import numpy as np
from av.container import InputContainer
from numpy.typing import NDArray

from containers.common import storage
from containers.common.errors import MediaError
from containers.common.media.container import open_media

Waveform = NDArray[np.float32]

# Speech networks take any level, down to where their own normalisation ends: Whisper's spectrogram at a power
# of 1e-10, PyanNet's at a variance of 1e-5. Level: what a thousandth of the samples exceeds.
QUIET, RAISED = 0.003, 0.1
MOST_LOOKED_AT = 1_000_000  # samples: of hours it is a minute's worth, evenly


def raised(samples: Waveform) -> Waveform:
    """The same as loud as speech usually is, if it is 30 dB quieter; shape (n,)."""
    some = np.abs(samples[:: max(1, len(samples) // MOST_LOOKED_AT)])
    level = float(np.percentile(some, 99.9)) if len(some) else 0.0
    return samples * np.float32(RAISED / level) if 0 < level < QUIET else samples


def stream_audio(path: Path, sample_rate: int, start: float = 0) -> Iterator[Waveform]:
    """Blocks of mono float32 samples, shape (n,), in [-1, 1], at `sample_rate` Hz, from `start` seconds.

    Raises MediaError when the file has no audio or cannot be decoded.
    """
    try:
        with open_media(path) as container:
            if not container.streams.audio:
                raise MediaError(f"{path.name} has no audio.")
            resampler = av.AudioResampler(format="flt", layout="mono", rate=sample_rate)
            frames = container.decode(audio=0)
            late, frames = _seek(container, frames, start) if start else (0.0, frames)
            early = round(late * sample_rate)  # samples before `start` in the frame that holds it
            for frame in chain(frames, [None]):
                for block in resampler.resample(frame):
                    samples = block.to_ndarray().reshape(-1).astype(np.float32, copy=False)
                    if early < len(samples):
                        yield samples[early:]
                    early = max(early - len(samples), 0)
    except av.error.FFmpegError as error:
        raise MediaError(f"{path.name} cannot be decoded: {error.strerror}.") from error


def load_audio(uri: str, sample_rate: int, start: float = 0, end: float | None = None) -> Waveform:
    """`uri` from `start` to `end` seconds as mono float32, shape (samples,), at `sample_rate` Hz; empty when
    there is none."""
    wanted = None if end is None else round((end - start) * sample_rate)
    blocks, held = [], 0
    with storage.reading(uri) as path:
        for block in stream_audio(path, sample_rate, start):
            blocks.append(block)
            held += len(block)
            if wanted is not None and held >= wanted:
                break
    return np.concatenate(blocks)[:wanted] if blocks else np.zeros(0, np.float32)


def _seek(
    container: InputContainer, frames: Iterator[av.AudioFrame], start: float
) -> tuple[float, Iterator[av.AudioFrame]]:
    """Seconds by which the first of the frames begins before `start`, and the frames from there."""
    origin = (container.start_time or 0) / 1e6
    container.seek(int((start + origin) * 1e6))
    for frame in frames:
        begins = (frame.time or 0.0) - origin
        if begins + frame.samples / frame.sample_rate > start:
            return max(start - begins, 0.0), chain([frame], frames)
    return 0.0, iter(())


def windows(blocks: Iterable[Waveform], size: int, hop: int) -> Iterator[tuple[int, Waveform]]:
    """Windows of `size` samples every `hop` (at most `size`), each with the position of its first sample.

    The last window ends with the audio and may be shorter; no audio, no windows.
    """
    pending: list[Waveform] = []
    held = start = 0
    for block in blocks:
        pending.append(block)
        held += len(block)
        if held <= size:
            continue
        samples = np.concatenate(pending)
        while len(samples) > size:
            yield start, samples[:size]
            start += hop
            samples = samples[hop:]
        pending, held = [samples], len(samples)
    if held:
        yield start, np.concatenate(pending)
