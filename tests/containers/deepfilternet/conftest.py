"""Clean speech from an installed package, noise from numpy, and what tests measure with."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from containers.common.media.audio import stream_audio
from containers.deepfilternet.app import handler

RATE = 48_000


@pytest.fixture(scope="session")
def call() -> np.ndarray:
    """30 s of a telephone call, two people talking, 48 kHz mono."""
    package = Path(find_spec("pyannote").submodule_search_locations[0])
    return np.concatenate(list(stream_audio(package / "audio/sample/sample.wav", RATE)))


@pytest.fixture(scope="session")
def speech(call) -> np.ndarray:
    """6 s of it with hardly a pause."""
    return call[12 * RATE : 18 * RATE]


@pytest.fixture(scope="session")
def noisy(speech) -> np.ndarray:
    """The speech in steady noise, 5 dB below it."""
    noise = np.random.default_rng(0).standard_normal(len(speech))
    return (speech + noise * speech.std() * 10 ** (-5 / 20)).astype(np.float32)


@pytest.fixture
def denoise(tmp_path):
    """`denoise(samples)`: the samples denoised without a limit, and the handler's result; options go to the
    request."""

    def run(samples: np.ndarray, rate: int = RATE, **options: Any) -> tuple[np.ndarray, dict[str, Any]]:
        soundfile.write(tmp_path / "given.wav", samples, rate, subtype="FLOAT")
        target = tmp_path / f"denoised.{options.get('format', 'wav')}"
        request: dict[str, Any] = {
            "audio": (tmp_path / "given.wav").as_uri(),
            "audio_uri": target.as_uri(),
            "mode": "on",
        }
        request["attenuation_limit_db"] = None
        result = handler(request | options, None)["result"]
        return soundfile.read(target, dtype="float32")[0], result

    return run
