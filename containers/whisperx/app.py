"""The whisperx image: what is said, in which language, and when each word."""

import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from containers.common.documents.speech import Transcript
from containers.common.errors import UserError
from containers.common.languages import to_codes
from containers.common.media.audio import Waveform, load_audio, raised
from containers.common.models.store import open_model
from containers.common.runtime.handler import Stopwatch, make_handler
from containers.whisperx import align, encoder, speech, words
from containers.whisperx.choice import check_models
from containers.whisperx.contract import TranscribeRequest
from containers.whisperx.languages import first_model
from containers.whisperx.transcript import Models, transcribe_speech

SAMPLE_RATE = 16_000
Loaded = TypeVar("Loaded")


def transcribe(request: TranscribeRequest, stopwatch: Stopwatch) -> Transcript:
    """Voice activity decides what is decoded, so silence and noise give no words and no language."""
    transcriber = open_transcriber(request, stopwatch)
    audio = load_audio(request.audio, SAMPLE_RATE, request.start, request.end)
    stopwatch.covered(len(audio) / SAMPLE_RATE)
    return transcriber(audio, request.start)


def open_transcriber(
    request: TranscribeRequest, stopwatch: Stopwatch
) -> Callable[[Waveform, float], Transcript]:
    """Loads models; then from 16 kHz mono, shape (samples,), and the second it begins at, to its transcript.

    Raises UserError for what cannot be so, ModelMissing, ModelCorrupt.
    """
    _check(request)
    models = _Store(request, stopwatch)
    detector = models.detector()
    expected = _expected(request.language, models.whisper(first_model(request)))

    def transcriber(audio: Waveform, start: float) -> Transcript:
        if not audio.any():
            return Transcript(segments=[], language=None)
        audio = raised(audio)
        stretches = speech.find_speech(
            detector, audio, request.vad_onset, request.vad_offset, request.chunk_size
        )
        if not stretches:
            return Transcript(segments=[], language=None)
        found = transcribe_speech(models, audio, stretches, expected, request)
        found.duration = round(len(audio) / SAMPLE_RATE, 3)
        return _shift(found, start)

    return transcriber


class _Store(Models):
    """The store's models, loaded on first use and named in the answer."""

    def __init__(self, request: TranscribeRequest, stopwatch: Stopwatch) -> None:
        self._request, self._stopwatch = request, stopwatch
        self.device = encoder.find_device(request.device)
        self._compute_type = encoder.find_compute_type(request.compute_type, self.device)

    def detector(self) -> speech.Detector:
        method = self._request.vad_method
        return self._open(speech.MODELS[method], lambda folder: speech.load_vad(folder, method, self.device))

    def whisper(self, model: str) -> Any:
        loaded = self._open(
            model, lambda folder: encoder.load_whisper(folder, self._compute_type, self.device)
        )
        words.check_prompt(loaded, self._request)
        return loaded

    def aligner(self, model: str, language: str) -> Any:
        return self._open(model, lambda folder: align.load_aligner(folder, language, self.device))

    def _open(self, model: str, load: Callable[[Any], Loaded]) -> Loaded:
        folder, ref = open_model(model)
        self._stopwatch.used(ref)
        started = time.perf_counter()
        loaded = load(folder)
        self._stopwatch.loaded(time.perf_counter() - started)
        return loaded


def _check(request: TranscribeRequest) -> None:
    if request.vad_offset > request.vad_onset:
        raise UserError("vad_offset must not be greater than vad_onset.")
    if request.end is not None and request.end <= request.start:
        raise UserError("end must be later than start.")
    check_models(request.model, request.languages, request.task, request.language)


def _expected(given: str | None, model: Any) -> list[str]:
    """The languages that may be spoken; all when none is given."""
    try:
        codes = (to_codes(given) or "").split(",") if given else []
    except ValueError as error:
        raise UserError(f"{error}.") from None
    known = encoder.languages(model)
    for code in filter(None, codes):
        if code not in known:
            raise UserError(f"This Whisper does not know the language '{code}'.")
    return [code for code in codes if code]


def _shift(transcript: Transcript, seconds: float) -> Transcript:
    """The same with times of the whole audio."""
    if seconds:
        transcript.duration = round((transcript.duration or 0) + seconds, 3)
        timed: Iterable[Any] = [
            *transcript.segments,
            *(word for segment in transcript.segments for word in segment.words),
            *(transcript.dropped or []),
        ]
        for part in timed:
            part.start, part.end = round(part.start + seconds, 3), round(part.end + seconds, 3)
    return transcript


handler = make_handler("whisperx", TranscribeRequest, transcribe)
