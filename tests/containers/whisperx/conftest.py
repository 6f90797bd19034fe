"""The handler as AWS calls it, and the packaged telephone call with its written transcript."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from containers.common.image import image

RATE = 16_000
Transcribe = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def transcribe(tmp_path_factory) -> Transcribe:
    """`transcribe(samples or path, **options)`: the result of the whisperx image with the starter models."""
    from containers.whisperx.app import handler

    folder = tmp_path_factory.mktemp("transcribe")

    def call(audio: np.ndarray | Path, **options: Any) -> dict[str, Any]:
        if isinstance(audio, np.ndarray):
            path = folder / "audio.wav"
            soundfile.write(path, audio, RATE, subtype="FLOAT")
            audio = path
        return handler({"audio": audio.as_uri(), **options}, None)["result"]

    with pytest.MonkeyPatch.context() as patch:
        for name, value in image("whisperx").environment.items():
            patch.setenv(name, value)
        yield call


@pytest.fixture(scope="session")
def speech(speech_wav) -> np.ndarray:
    samples, _ = soundfile.read(speech_wav, dtype="float32")
    return samples


@pytest.fixture(scope="session")
def sentence(speech) -> np.ndarray:
    """3.8 s: "Okay, then I thought, you know, I heard a beep. This is Diane in New Jersey." """
    return speech[round(10.5 * RATE) : round(14.3 * RATE)]


@pytest.fixture(scope="session")
def written(speech_wav) -> list[tuple[float, float, str]]:
    """What is really said: start, end and text of each utterance, from the STM file beside the recording."""
    lines = speech_wav.with_suffix(".stm").read_text().splitlines()
    fields = [line.split(maxsplit=5) for line in lines]
    return [(float(start), float(end), text) for *_, start, end, text in fields]


@pytest.fixture(scope="session")
def plain() -> Callable[[str], str]:
    """Lower case, words and apostrophes alone: what word error rates are counted on."""
    return lambda text: " ".join(re.findall(r"[\w']+", text.lower()))
