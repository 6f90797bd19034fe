"""Sound as it comes: a file played at speed, a pipe, a microphone. 48 kHz mono in blocks of 10 ms."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

import av
import av.error
import numpy as np

from containers.common.errors import MediaError, UserError
from containers.common.media.audio import Waveform, stream_audio
from containers.common.media.container import keep_av_quiet

RATE = 48_000
BLOCK = RATE // 100
# A pipe may hold what says its own format; these hold their media themselves and can be read without seeking.
STREAMED = "wav,w64,au,aiff,flac,ogg,mp3,aac,matroska,webm,mpegts,caf"
PROBED = 4096  # bytes; with FFmpeg's usual 5 MB, speech would wait for seconds
MICROPHONES = {"linux": ("alsa", "default"), "darwin": ("avfoundation", ":0")}


def play_file(path: Path, speed: float) -> Iterator[Waveform]:
    """`speed` 1 takes as long as the sound lasts, 0 as short as possible. Raises MediaError."""
    return _paced(_blocks(stream_audio(path, RATE)), speed) if speed else _blocks(stream_audio(path, RATE))


def read_pipe(stream: BinaryIO, rate: int | None = None) -> Iterator[Waveform]:
    """Signed 16-bit mono at `rate` Hz, or without one a stream that names its format. Raises UserError."""
    if rate:
        return _blocks(_resampled(_raw_frames(stream, rate)))
    options = {"format_whitelist": STREAMED, "probesize": str(PROBED), "analyzeduration": "100000"}

    def opened() -> Any:
        keep_av_quiet()
        return av.open(stream, options=options, buffer_size=PROBED)

    sentence = "What comes through the pipe is no sound that can be decoded; for raw samples give --raw-rate"
    return _blocks(_resampled(_decoded(opened, sentence)))


def hear_microphone(device: str | None = None) -> Iterator[Waveform]:
    """By ALSA on Linux (`arecord -L` lists devices), AVFoundation on macOS. Raises UserError."""
    kind, usual = MICROPHONES[sys.platform]
    name = device or usual

    def opened() -> Any:
        keep_av_quiet()
        options = {"sample_rate": str(RATE), "channels": "1"} if kind == "alsa" else {}
        return av.open(name, format=kind, options=options)

    return _blocks(_resampled(_decoded(opened, f"The microphone '{name}' cannot be opened")))


def _decoded(opened: Callable[[], Any], sentence: str) -> Iterator[av.AudioFrame]:
    try:
        container = opened()
    except av.error.FFmpegError as error:
        raise UserError(f"{sentence} ({error.strerror}).") from None
    with closing(container):
        if not container.streams.audio:
            raise MediaError("There is no sound in what comes through the pipe.")
        try:
            yield from container.decode(audio=0)
        except av.error.EOFError:  # what is fed ended inside a packet
            return
        except av.error.FFmpegError as error:
            raise MediaError(f"The sound cannot be decoded any further: {error.strerror}.") from error


def _raw_frames(stream: BinaryIO, rate: int) -> Iterator[av.AudioFrame]:
    while data := stream.read(rate // 100 * 2):
        samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2")
        if len(samples):
            yield frame_of(samples[None], rate, "s16")


def _resampled(frames: Iterable[av.AudioFrame]) -> Iterator[Waveform]:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    for frame in frames:
        frame.pts = None
        for block in resampler.resample(frame):
            yield np.asarray(block.to_ndarray().reshape(-1), np.float32)
    for block in resampler.resample(None):
        yield np.asarray(block.to_ndarray().reshape(-1), np.float32)


def frame_of(samples: np.ndarray, rate: int, sample_format: str) -> av.AudioFrame:
    """Mono, shape (1, samples)."""
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format=sample_format, layout="mono")
    frame.sample_rate = rate
    return frame


def _blocks(pieces: Iterable[Waveform]) -> Iterator[Waveform]:
    rest = np.zeros(0, np.float32)
    for piece in pieces:
        rest = np.concatenate([rest, piece]) if len(rest) else piece
        whole = len(rest) // BLOCK * BLOCK
        for start in range(0, whole, BLOCK):
            yield rest[start : start + BLOCK]
        rest = rest[whole:]
    if len(rest):
        yield rest


def _paced(blocks: Iterable[Waveform], speed: float) -> Iterator[Waveform]:
    started: float | None = None
    for number, block in enumerate(blocks, start=1):
        started = time.monotonic() if started is None else started
        time.sleep(max(0.0, started + number * BLOCK / RATE / speed - time.monotonic()))
        yield block
