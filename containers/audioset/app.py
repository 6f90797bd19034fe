"""The audioset image: which sounds a recording has, and when."""

import time

from containers.audioset import aed, panns
from containers.audioset.contract import TagRequest, Tags
from containers.common import storage
from containers.common.audio import stream_audio
from containers.common.errors import UserError
from containers.common.handler import Stopwatch, make_handler
from containers.common.models import has_model, open_model

CNN14, FIRERED = "panns-cnn14", "firered-aed"


def choose_model(asked: str | None) -> str:
    """Cnn14 and its 527 labels when it is in the store, else FireRed AED and its three."""
    if asked is None:
        return CNN14 if has_model(CNN14) else FIRERED
    if asked not in (CNN14, FIRERED):
        raise UserError(f"'{asked}' is no sound tagger: choose {CNN14} or {FIRERED}.")
    return asked


def tag(request: TagRequest, stopwatch: Stopwatch) -> Tags:
    """Sound events of the audio, read in one pass: memory does not grow with its length."""
    if request.hop > request.window:
        raise UserError(f"A hop of {request.hop} s leaves gaps between windows of {request.window} s.")
    chosen = choose_model(request.model)
    started = time.perf_counter()
    folder, ref = open_model(chosen)
    tagger = panns if chosen == CNN14 else aed
    tagger.load(folder)
    stopwatch.used(ref)
    stopwatch.loaded(time.perf_counter() - started)
    with storage.reading(request.audio) as path:
        blocks = stream_audio(path, tagger.SAMPLE_RATE)
        if chosen == CNN14:
            found = panns.tag(folder, blocks, request.threshold, request.top_k, request.window, request.hop)
        else:
            found = aed.tag(folder, blocks, request.threshold, request.top_k)
    return Tags(predictions=found)


handler = make_handler("audioset", TagRequest, tag)
