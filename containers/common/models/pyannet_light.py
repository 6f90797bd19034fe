"""PyanNet in NumPy: who speaks in windows of sound, without torch, lightning and pyannote.audio.

The network of pyannote.audio 4 (models/segmentation/PyanNet.py, MIT): SincNet, a bidirectional LSTM, two
linear layers and a classifier; Bredin and Laurent, "End-to-end speaker segmentation for overlap-aware
resegmentation", 2021. A test compares its scores with those of pyannote.audio itself.
"""

from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from containers.common.models.tensors import read_tensors

SAMPLE_RATE = 16_000
DURATION = 5.0  # seconds of a window: what it was trained on
STRIDE = 10  # samples between two outputs of the first layer
KERNEL = 251
LOWEST, NARROWEST = 50.0, 50.0  # Hz of a filter's lower edge and width
POOL = 3
FRAME_STEP, FRAME_LENGTH = 270 / SAMPLE_RATE, 991 / SAMPLE_RATE  # seconds: receptive field of an output
SLOPE = 0.01  # of leaky rectifiers

Array = NDArray[np.float32]


class PyanNet:
    """Scores 0 to 1, shape (windows, frames, voices), of windows (windows, samples) at 16 kHz."""

    def __init__(self, path: Path) -> None:
        """`path`: pyannote.audio's checkpoint."""
        self._weights = weights = read_tensors(path)
        self._filters = make_filters(weights)
        self._layers = sum(name.startswith("lstm.weight_hh") for name in weights) // 2
        self._linears = sum(name.startswith("linear.") for name in weights) // 2

    def __call__(self, sound: Array) -> Array:
        weights = self._weights
        seen = _normalise(sound[..., None], weights, "sincnet.wav_norm1d")
        parts = sliding_window_view(seen[..., 0], KERNEL, axis=1)[:, ::STRIDE]
        # One after the other: what is laid out for the product stays in the processor's cache.
        seen = np.stack([np.abs(np.ascontiguousarray(part) @ self._filters) for part in parts])
        seen = _rectify(_normalise(_pool(seen), weights, "sincnet.norm1d.0"))
        for layer in (1, 2):
            name = f"sincnet.conv1d.{layer}"
            seen = _convolve(seen, weights[f"{name}.weight"], weights[f"{name}.bias"])
            seen = _rectify(_normalise(_pool(seen), weights, f"sincnet.norm1d.{layer}"))
        for layer in range(self._layers):
            seen = _remember(seen, weights, layer)
        for layer in range(self._linears):
            seen = _rectify(seen @ weights[f"linear.{layer}.weight"].T + weights[f"linear.{layer}.bias"])
        return _sigmoid(seen @ weights["classifier.weight"].T + weights["classifier.bias"])


def make_filters(weights: dict[str, NDArray]) -> Array:
    """(KERNEL, filters) band passes, even ones first, as asteroid_filterbanks' ParamSincFB computes them."""
    name = "sincnet.conv1d.0.filterbank"
    times, window = (weights[f"{name}.{part}"].astype(np.float64) for part in ("n_", "window_"))
    low = LOWEST + np.abs(weights[f"{name}.low_hz_"])
    high = np.clip(low + NARROWEST + np.abs(weights[f"{name}.band_hz_"]), LOWEST, SAMPLE_RATE / 2)
    below, above = low @ times, high @ times
    even = (np.sin(above) - np.sin(below)) / (times / 2) * window
    odd = (np.cos(below) - np.cos(above)) / (times / 2) * window
    width = high - low
    cosines = np.concatenate([even, 2 * width, even[:, ::-1]], axis=1)
    sines = np.concatenate([odd, np.zeros_like(width), -odd[:, ::-1]], axis=1)
    filters = np.concatenate([cosines, sines]) / np.tile(2 * width, (2, 1))
    return np.ascontiguousarray(filters.T, np.float32)


def _normalise(seen: Array, weights: dict[str, NDArray], name: str) -> Array:
    """Each window's features (windows, frames, features) to mean 0 and variance 1, then scaled."""
    mean = seen.mean(axis=1, keepdims=True, dtype=np.float64)  # a sum of thousands
    middle = seen - mean.astype(np.float32)
    variance = np.square(middle).mean(axis=1, keepdims=True, dtype=np.float64)
    spread = np.sqrt(variance + 1e-5).astype(np.float32)
    return middle * (weights[f"{name}.weight"] / spread) + weights[f"{name}.bias"]


def _pool(seen: Array) -> Array:
    windows, frames, features = seen.shape
    whole = frames // POOL
    return seen[:, : whole * POOL].reshape(windows, whole, POOL, features).max(axis=2)


def _rectify(seen: Array) -> Array:
    return np.maximum(seen, SLOPE * seen)


def _convolve(seen: Array, kernel: Array, bias: Array) -> Array:
    """`kernel` (features out, features in, length)."""
    out, features, length = kernel.shape
    parts = sliding_window_view(seen, length, axis=1)  # (windows, frames, features, length)
    flat = np.ascontiguousarray(parts).reshape(*parts.shape[:2], features * length)
    return flat @ kernel.reshape(out, -1).T + bias


def _remember(seen: Array, weights: dict[str, NDArray], layer: int) -> Array:
    """A layer of the LSTM, both ways at once: (windows, frames, features) in, twice its size out."""
    ways = [f"_l{layer}", f"_l{layer}_reverse"]
    size = weights[f"lstm.weight_hh{ways[0]}"].shape[1]
    # sigmoid(x) = tanh(x / 2) / 2 + 1 / 2: one function for all gates, in torch's order (input, forget, cell,
    # output).
    half = np.repeat(np.array([0.5, 0.5, 1.0, 0.5], np.float32), size)
    given = []
    for way, turned in zip(ways, (seen, seen[:, ::-1]), strict=True):
        bias = weights[f"lstm.bias_ih{way}"] + weights[f"lstm.bias_hh{way}"]
        given.append(turned @ (weights[f"lstm.weight_ih{way}"].T * half) + bias * half)
    gates = np.ascontiguousarray(np.stack(given).transpose(2, 0, 1, 3))  # (frames, 2, windows, 4 * size)
    back = np.stack([weights[f"lstm.weight_hh{way}"].T * half for way in ways])
    hidden = np.zeros((2, seen.shape[0], size), np.float32)
    cell = np.zeros_like(hidden)
    found = np.empty((seen.shape[1], *hidden.shape), np.float32)
    for frame, gate in enumerate(gates):
        gate += hidden @ back
        np.tanh(gate, out=gate)
        into, forget, new, out = np.split(gate, 4, axis=2)
        cell = 0.5 * ((forget + 1) * cell + (into + 1) * new)
        hidden = 0.5 * (out + 1) * np.tanh(cell)
        found[frame] = hidden
    return np.concatenate([found[:, 0], found[::-1, 1]], axis=2).transpose(1, 0, 2)


def _sigmoid(values: Array) -> Array:
    return np.asarray(0.5 * np.tanh(0.5 * values) + 0.5, np.float32)
