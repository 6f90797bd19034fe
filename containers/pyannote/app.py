"""The pyannote image: who speaks when, how many there are, and what each of them sounds like."""

import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from containers.common.contract import Span
from containers.common.documents.speakers import Diarization, Speaker, Turn
from containers.common.errors import UserError
from containers.common.media.audio import load_audio, raised
from containers.common.models.pyannet import SEGMENTATION_FILE, quiet_loading
from containers.common.models.store import open_model
from containers.common.runtime.handler import Stopwatch, make_handler
from containers.pyannote.contract import (
    DiarizeRequest,
    DiarizerName,
    GroupRequest,
    HearRequest,
    WindowScores,
    lacking,
)
from containers.pyannote.diarizers import DIARIZERS, choose_diarizer
from containers.pyannote.windows import read_windows, write_windows

if TYPE_CHECKING:
    from containers.pyannote.pipeline import Diarizer

EMBEDDING, EMBEDDING_FILE = DIARIZERS["starter"].voice, "pretrained.pt"
SAMPLE_RATE = 16_000
SHORTEST_TURN = 0.1  # seconds; what is shorter is the networks' flicker: whisperX's least speech, too
NOBODY = Diarization(turns=[], exclusive_turns=[], voice_activity=[], speakers=[])


@cache
def load_diarizer(name: DiarizerName, *folders: Path) -> "Diarizer":
    """`folders` are those of the models that diarizers.py names."""
    with quiet_loading():
        if name == "starter":
            from containers.pyannote.starter import load_starter

            return load_starter(folders[0] / SEGMENTATION_FILE, folders[1] / EMBEDDING_FILE)
        from containers.pyannote.published import load_published

        if name == "3.1":
            return load_published(*folders)
        (folder,) = folders
        return load_published(folder, *(folder / part for part in ("segmentation", "embedding", "plda")))


def serve(
    request: DiarizeRequest | HearRequest | GroupRequest, stopwatch: Stopwatch
) -> Diarization | WindowScores:
    """A whole recording, a piece of a long one, or what all its pieces have heard."""
    if isinstance(request, HearRequest):
        return hear(request, stopwatch)
    _check(request)
    return diarize(request, stopwatch) if isinstance(request, DiarizeRequest) else group(request, stopwatch)


def diarize(request: DiarizeRequest, stopwatch: Stopwatch) -> Diarization:
    """Speakers are named in the order in which they are first heard; silence has none."""
    waveform = raised(load_audio(request.audio, SAMPLE_RATE))
    stopwatch.covered(len(waveform) / SAMPLE_RATE)
    name, diarizer = _open_diarizer(request, stopwatch)
    if not waveform.any():
        return NOBODY
    output, speech = diarizer.diarize(waveform, **_bounds(request))
    found = describe(output, speech, len(waveform) / SAMPLE_RATE, DIARIZERS[name].voice)
    return _noted(found, request)


def hear(request: HearRequest, stopwatch: Stopwatch) -> WindowScores:
    """Writes what the networks hear in the piece's windows. Raises UserError for bounds between windows."""
    name, diarizer = _open_diarizer(request, stopwatch)
    duration, step = diarizer.window
    for bound in (request.start, request.end or 0):
        if round(bound / step) * step != bound:
            raise UserError(f"start and end have to be multiples of {step:g} seconds.")
    until = None if request.end is None else request.end - step + duration
    waveform = raised(load_audio(request.audio, SAMPLE_RATE, request.start, until))
    stopwatch.covered(len(waveform) / SAMPLE_RATE)
    found = diarizer.hear(waveform)
    write_windows(request.windows_uri, found)
    return WindowScores(windows=len(found.scores), diarizer=name)


def group(request: GroupRequest, stopwatch: Stopwatch) -> Diarization:
    """The same as `diarize` for the whole recording, to the last frame."""
    name, diarizer = _open_diarizer(request, stopwatch)
    output, speech = diarizer.group(read_windows(request.windows), **_bounds(request))
    return _noted(describe(output, speech, request.duration, DIARIZERS[name].voice), request)


def _check(request: DiarizeRequest | GroupRequest) -> None:
    least, most = request.min_speakers or 1, request.max_speakers or np.inf
    if least > most or not least <= (request.num_speakers or least) <= most:
        raise UserError("num_speakers, min_speakers and max_speakers contradict each other.")


def _noted(found: Diarization, request: DiarizeRequest | GroupRequest) -> Diarization:
    """Says so where there are fewer speakers than were asked for: no voice can be made up."""
    found.note = lacking(found, request.num_speakers, request.min_speakers)
    return found


def _bounds(request: DiarizeRequest | GroupRequest) -> dict[str, int | None]:
    return request.model_dump(include={"num_speakers", "min_speakers", "max_speakers"})


def _open_diarizer(
    request: DiarizeRequest | HearRequest | GroupRequest, stopwatch: Stopwatch
) -> tuple[DiarizerName, "Diarizer"]:
    """The one that is asked for. Raises ModelMissing, ModelCorrupt."""
    started = time.perf_counter()
    name = choose_diarizer(request.diarizer)
    folders, refs = zip(*map(open_model, DIARIZERS[name].models), strict=True)
    diarizer = load_diarizer(name, *folders)
    stopwatch.loaded(time.perf_counter() - started)
    stopwatch.used(*refs)
    return name, diarizer


def describe(output: Any, speech: Any, duration: float, model: str) -> Diarization:
    """pyannote's `DiarizeOutput` and voice activity as the contract has them, inside `duration` seconds.

    `model` made the speakers' embeddings.
    """
    turns = list(_turns(output.speaker_diarization, duration))
    names: dict[str, str] = {}
    for turn in turns:
        names.setdefault(turn.speaker, f"SPEAKER_{len(names):02d}")
    labels = output.speaker_diarization.labels()
    embeddings = dict(zip(labels, output.speaker_embeddings, strict=True))
    exclusive = _turns(output.exclusive_speaker_diarization, duration)
    return Diarization(
        turns=[_named(turn, names) for turn in turns],
        exclusive_turns=[_named(turn, names) for turn in exclusive if turn.speaker in names],
        voice_activity=list(_spans(speech.get_timeline(), duration)),
        speakers=[
            Speaker(speaker=name, model=model, embedding=_normalised(embeddings[label]))
            for label, name in names.items()
            if np.isfinite(embeddings[label]).all()  # else too little was heard
        ],
    )


def _turns(annotation: Any, duration: float) -> Iterable[Turn]:
    for segment, _, label in annotation.itertracks(yield_label=True):
        for span in _spans([segment], duration):
            if round(span.end - span.start, 3) >= SHORTEST_TURN:
                yield Turn(start=span.start, end=span.end, speaker=label)


def _spans(segments: Iterable[Any], duration: float) -> Iterable[Span]:
    """To the millisecond and inside the media: the last window is padded beyond its end."""
    for segment in segments:
        start, end = round(max(0.0, segment.start), 3), round(min(duration, segment.end), 3)
        if start < end:
            yield Span(start=start, end=end)


def _named(turn: Turn, names: dict[str, str]) -> Turn:
    return turn.model_copy(update={"speaker": names[turn.speaker]})


def _normalised(embedding: np.ndarray) -> list[float]:
    return (embedding / np.linalg.norm(embedding)).astype(float).round(6).tolist()


handler = make_handler("pyannote", DiarizeRequest | HearRequest | GroupRequest, serve)
