"""The audioset image: which sounds a recording has, and when."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from containers.audioset import aed, ced, panns
from containers.audioset.contract import TagRequest
from containers.audioset.taggers import FIRERED, choose_tagger
from containers.audioset.windows import Scores, Window
from containers.common import storage
from containers.common.documents.sounds import Prediction, Tags
from containers.common.errors import UserError
from containers.common.media.audio import Waveform, stream_audio
from containers.common.models.store import open_model
from containers.common.ontology import check_names, class_of, least_scores
from containers.common.runtime.handler import Stopwatch, make_handler


def tag(request: TagRequest, stopwatch: Stopwatch) -> Tags:
    """Sound events of the audio, read in one pass: memory does not grow with its length."""
    if request.hop > request.window:
        raise UserError(f"A hop of {request.hop} s leaves gaps between windows of {request.window} s.")
    chosen = choose_tagger(request.mode, request.model)
    check_names((*request.only, *request.thresholds))
    started = time.perf_counter()
    folder, ref = open_model(chosen)
    tagger = aed if chosen == FIRERED else ced if chosen.startswith("ced-") else panns
    tagger.load(folder)
    stopwatch.used(ref)
    stopwatch.loaded(time.perf_counter() - started)
    with storage.reading(request.audio) as path:
        blocks = _counted(stream_audio(path, tagger.SAMPLE_RATE), tagger.SAMPLE_RATE, stopwatch)
        return _tag(chosen, folder, blocks, request)


def _counted(blocks: Iterable[Waveform], rate: int, stopwatch: Stopwatch) -> Iterator[Waveform]:
    for block in blocks:
        stopwatch.covered(len(block) / rate)
        yield block


def _tag(chosen: str, folder: Path, blocks: Iterable[Waveform], request: TagRequest) -> Tags:
    def least(labels: Iterable[str]) -> dict[str, float]:
        return least_scores(labels, request.threshold, request.thresholds, request.only)

    if chosen == FIRERED:
        found = aed.tag(folder, blocks, least(aed.LABELS.values()))
        return Tags(predictions=_described(_best(found, request.top_k)))
    if chosen.startswith("ced-"):
        small = ced.load(folder)
        return Tags(predictions=_described(ced.tag(small, blocks, request, least(small.labels))))
    tagger = panns.load(folder)
    if request.mode == "events":
        found = panns.find_events(tagger, blocks, request, least(tagger.labels))
        return Tags(predictions=_described(_best(found, request.top_k)))
    found, vectors = panns.tag(tagger, blocks, request, least(tagger.labels))
    if request.embeddings_uri:
        _write_vectors(request.embeddings_uri, vectors)
    return Tags(predictions=_described(found), embeddings=request.embeddings_uri)


def _write_vectors(uri: str, vectors: list[tuple[Window, Scores]]) -> None:
    times = np.array([(window.start, window.end) for window, _ in vectors]).reshape(-1, 2)
    with storage.writing(uri) as path, path.open("wb") as file:
        np.savez(file, times=times, vectors=np.array([vector for _, vector in vectors], np.float32))


def _best(found: list[Prediction], top_k: int) -> list[Prediction]:
    """Those of the `top_k` labels with the highest scores."""
    highest: dict[str, float] = {}
    for prediction in found:
        highest[prediction.label] = max(highest.get(prediction.label, 0), prediction.score)
    best = sorted(highest, key=lambda label: -highest[label])[:top_k]
    return [prediction for prediction in found if prediction.label in best]


def _described(found: list[Prediction]) -> list[Prediction]:
    """With family and parents, by start time."""
    for prediction in found:
        known = class_of(prediction.label)
        prediction.family, prediction.parents = known.family, list(known.parents)
    return sorted(found, key=lambda prediction: (prediction.start_time, -prediction.score))


handler = make_handler("audioset", TagRequest, tag)
