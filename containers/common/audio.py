"""Audio in and out of the images, through PyAV: no system ffmpeg."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from containers.common import storage
from containers.common.errors import MediaError
from containers.common.media import open_media

Waveform = NDArray[np.float32]


def stream_audio(path: Path, sample_rate: int) -> Iterator[Waveform]:
    """Blocks of mono float32 samples, shape (n,), in [-1, 1], at `sample_rate` Hz.

    Raises MediaError when the file has no audio or cannot be decoded.
    """
    try:
        with open_media(path) as container:
            if not container.streams.audio:
                raise MediaError(f"{path.name} has no audio.")
            resampler = av.AudioResampler(format="flt", layout="mono", rate=sample_rate)
            for frame in container.decode(audio=0):
                for block in resampler.resample(frame):
                    yield block.to_ndarray().reshape(-1).astype(np.float32, copy=False)
            for block in resampler.resample(None):
                yield block.to_ndarray().reshape(-1).astype(np.float32, copy=False)
    except av.error.FFmpegError as error:
        raise MediaError(f"{path.name} cannot be decoded: {error.strerror}.") from error


def load_audio(uri: str, sample_rate: int) -> Waveform:
    """The whole of `uri` as mono float32, shape (samples,), at `sample_rate` Hz; empty when there is none."""
    with storage.reading(uri) as path:
        blocks = list(stream_audio(path, sample_rate))
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


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
