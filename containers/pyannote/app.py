"""`handler(event, context)` of the pyannote image."""

import time

from containers.common.audio import load_audio
from containers.common.errors import UserError
from containers.common.handler import Stopwatch, make_handler
from containers.common.models import open_model
from containers.pyannote.contract import Diarization, DiarizeRequest

SAMPLE_RATE = 16_000
SEGMENTATION, EMBEDDING = "pyannet-segmentation", "ge2e-speaker"


def serve(request: DiarizeRequest, stopwatch: Stopwatch) -> Diarization:
    """Speaker turns, voice activity and one embedding per speaker; silence gives empty lists."""
    from containers.pyannote.pipeline import diarize, load_pipeline

    low, high = request.min_speakers or 1, request.max_speakers or 10**6
    if low > high or (request.num_speakers and not low <= request.num_speakers <= high):
        raise UserError("num_speakers, min_speakers and max_speakers contradict each other.")
    segmentation, segmentation_ref = open_model(SEGMENTATION)
    embedding, embedding_ref = open_model(EMBEDDING)
    stopwatch.used(segmentation_ref, embedding_ref)
    audio = load_audio(request.audio, SAMPLE_RATE)
    if not audio.any():
        return Diarization(turns=[], exclusive_turns=[], voice_activity=[], speakers=[])
    started = time.perf_counter()
    pipeline = load_pipeline(segmentation, embedding)
    stopwatch.loaded(time.perf_counter() - started)
    return diarize(pipeline, audio, request, EMBEDDING)


handler = make_handler("pyannote", DiarizeRequest, serve)
