"""`handler(event, context)` of the whisperx image."""

import time
from collections.abc import Callable
from typing import TypeVar

from containers.common.audio import load_audio
from containers.common.errors import ModelMissing, UserError
from containers.common.handler import Stopwatch, make_handler
from containers.common.models import catalogue, open_model
from containers.whisperx.contract import TranscribeRequest, Transcript

SAMPLE_RATE = 16_000
VOICE_ACTIVITY = "pyannet-segmentation"
Loaded = TypeVar("Loaded")


def serve(request: TranscribeRequest, stopwatch: Stopwatch) -> Transcript:
    """Voice activity decides what is decoded, so silence and noise give no words."""
    from containers.whisperx import speech, words

    if request.model in catalogue() and catalogue()[request.model].task != "transcribe":
        raise ModelMissing(f"Model '{request.model}' does not transcribe; choose a Whisper of the catalogue.")
    vad_folder, vad_ref = open_model(VOICE_ACTIVITY)
    whisper_folder, whisper_ref = open_model(request.model)
    stopwatch.used(vad_ref, whisper_ref)
    if request.language and request.language not in words.languages():
        raise UserError(
            f"Whisper does not know the language '{request.language}'; give a code such as ko or en."
        )
    audio = load_audio(request.audio, SAMPLE_RATE)
    if not audio.any():
        return Transcript(segments=[], language=None)
    vad = _load(stopwatch, lambda: speech.load_vad(vad_folder, request.vad_onset, request.vad_offset))
    stretches = speech.find_speech(vad, audio, request.vad_onset, request.vad_offset)
    if not stretches:
        return Transcript(segments=[], language=None)
    whisper = _load(stopwatch, lambda: words.load_whisper(whisper_folder, request.compute_type))
    return words.transcribe(whisper, audio, stretches, request)


def _load(stopwatch: Stopwatch, load: Callable[[], Loaded]) -> Loaded:
    started = time.perf_counter()
    loaded = load()
    stopwatch.loaded(time.perf_counter() - started)
    return loaded


handler = make_handler("whisperx", TranscribeRequest, serve)
