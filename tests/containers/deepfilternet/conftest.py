"""Clean speech from an installed package, noise from numpy, and the packaged model as the store."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from containers.common.audio import stream_audio

RATE = 48_000


@pytest.fixture(scope="session")
def speech() -> np.ndarray:
    """10 s of two people talking, 48 kHz mono."""
    package = Path(find_spec("pyannote").submodule_search_locations[0])
    blocks = stream_audio(package / "audio/sample/sample.wav", RATE)
    return np.concatenate(list(blocks))[10 * RATE : 20 * RATE]


@pytest.fixture(scope="session")
def noisy(speech) -> np.ndarray:
    """The speech in steady noise, 5 dB below it."""
    noise = np.random.default_rng(0).standard_normal(len(speech))
    return (speech + noise * speech.std() * 10 ** (-5 / 20)).astype(np.float32)
