"""The whisperx image: what is said, in which language, and when each word."""

import time
from collections.abc import Callable
from typing import TypeVar

from containers.common.audio import load_audio
from containers.common.errors import UserError
from containers.common.handler import Stopwatch, make_handler
from containers.common.models import catalogue, open_model
from containers.common.pyannet import SEGMENTATION
from containers.whisperx import speech, words
from containers.whisperx.contract import TranscribeRequest, Transcript

SAMPLE_RATE = 16_000
Loaded = TypeVar("Loaded")


def transcribe(request: TranscribeRequest, stopwatch: Stopwatch) -> Transcript:
    """Voice activity decides what is decoded, so silence and noise give no words and no language."""
    _check_model(request.model)
    if request.vad_offset > request.vad_onset:
        raise UserError("vad_offset must not be greater than vad_onset.")
    vad_folder, vad_ref = open_model(SEGMENTATION)
    whisper_folder, whisper_ref = open_model(request.model)
    stopwatch.used(vad_ref, whisper_ref)
    audio = load_audio(request.audio, SAMPLE_RATE)
    model = _load(stopwatch, lambda: words.load_whisper(whisper_folder, request.compute_type))
    if request.language and request.language not in words.languages(model):
        raise UserError(
            f"{request.model} does not know the language '{request.language}'; give a code like ko."
        )
    if not audio.any():
        return Transcript(segments=[], language=None)
    vad = _load(stopwatch, lambda: speech.load_vad(vad_folder))
    stretches = speech.find_speech(vad, audio, request.vad_onset, request.vad_offset)
    if not stretches:
        return Transcript(segments=[], language=None)
    return words.transcribe(model, audio, stretches, request)


def _check_model(asked: str) -> None:
    known = [model.id for model in catalogue().values() if model.task == "transcribe"]
    if asked not in known:
        raise UserError(f"'{asked}' is no Whisper of the catalogue: choose {' or '.join(known)}.")


def _load(stopwatch: Stopwatch, load: Callable[[], Loaded]) -> Loaded:
    started = time.perf_counter()
    loaded = load()
    stopwatch.loaded(time.perf_counter() - started)
    return loaded


handler = make_handler("whisperx", TranscribeRequest, transcribe)
