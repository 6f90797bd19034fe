"""The handler as AWS calls it, and recordings made of the packaged telephone call."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from containers.common.image import image

RATE = 16_000
Diarize = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def diarize(tmp_path_factory) -> Diarize:
    """`diarize(samples or path, **options)`: the result of the pyannote image with the starter models."""
    from containers.pyannote.app import handler

    folder = tmp_path_factory.mktemp("diarize")

    def call(audio: np.ndarray | Path, **options: Any) -> dict[str, Any]:
        if isinstance(audio, np.ndarray):
            path = folder / "audio.wav"
            soundfile.write(path, audio, RATE, subtype="FLOAT")
            audio = path
        return handler({"audio": audio.as_uri(), **options}, None)["result"]

    with pytest.MonkeyPatch.context() as patch:
        for name, value in image("pyannote").environment.items():
            patch.setenv(name, value)
        yield call


@pytest.fixture(scope="session")
def windows() -> dict[bytes, Any]:
    """What the networks heard, by the sound."""
    return {}


@pytest.fixture
def heard_once(windows: dict[bytes, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of the clustering: of one recording's windows, heard by the networks only once."""
    from containers.pyannote.pipeline import Diarizer

    hear = Diarizer.hear

    def once(diarizer: Any, waveform: np.ndarray) -> Any:
        sound = waveform.tobytes()
        if sound not in windows:
            windows[sound] = hear(diarizer, waveform)
        return deepcopy(windows[sound])

    monkeypatch.setattr(Diarizer, "hear", once)


@pytest.fixture(scope="session")
def speech(speech_wav) -> np.ndarray:
    samples, _ = soundfile.read(speech_wav, dtype="float32")
    return samples


@pytest.fixture(scope="session")
def reference(speech_wav):
    """Who really speaks when, as a pyannote annotation."""
    from pyannote.database.util import load_rttm

    return load_rttm(speech_wav.with_suffix(".rttm"))["sample"]


@pytest.fixture(scope="session")
def alone(speech, reference) -> dict[str, np.ndarray]:
    """What each of the two says while the other is silent, one piece after the other."""
    overlap = reference.get_overlap()
    pieces = {
        label: [
            speech[round(turn.start * RATE) : round(turn.end * RATE)]
            for turn in reference.label_timeline(label).extrude(overlap)
            if turn.duration > 0.4
        ]
        for label in reference.labels()
    }
    return {label: np.concatenate(parts) for label, parts in pieces.items()}
