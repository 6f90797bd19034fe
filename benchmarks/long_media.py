"""An hour of talk through the flow's own tasks, and ten hours of windows through one clustering."""

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from containers.common.documents.speakers import Diarization
from containers.common.media.audio import load_audio
from containers.pyannote.contract import GroupRequest
from deployments.local import LocalEndpoint
from tasks.media.demo import sample_speech

RATE = 16_000
MINUTES = 60
HOURS = 10
IMAGES = {"transcribe": "whisperx", "diarize": "pyannote"}


class Row(NamedTuple):
    """A task's progress, and the highest memory of its worker until then."""

    stage: str
    fraction: float
    seconds: float
    peak: int  # bytes


def write_hour(path: Path) -> None:
    """The packaged call every minute, faint noise between."""
    call = load_audio(sample_speech().as_uri(), RATE)
    random = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        for _ in range(MINUTES):
            minute = random.normal(0, 0.001, 60 * RATE)
            minute[: len(call)] += call
            file.write(minute)


def long_table() -> Iterator[str]:
    from flows.runs.images import running_images
    from tasks.calls.progress import listen
    from tasks.stages.diarize.run import diarize
    from tasks.stages.options import AnalyzeOptions
    from tasks.stages.transcribe.run import transcribe

    with tempfile.TemporaryDirectory() as name, running_images() as endpoint:
        assert endpoint
        folder = Path(name)
        path, rows = folder / "hour.wav", []
        write_hour(path)
        started = time.perf_counter()

        def note(stage: str, fraction: float) -> None:
            peak = endpoint.peak_memory().get(IMAGES[stage], 0)
            rows.append(Row(stage, fraction, time.perf_counter() - started, peak))
            print(rows[-1], flush=True)

        undo = listen(note)
        jobs: list[Callable[[], object]] = [
            lambda: transcribe.fn(path.as_uri(), folder, AnalyzeOptions()),
            lambda: diarize.fn(path.as_uri(), folder, AnalyzeOptions()),
        ]
        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(copy_context().run, job) for job in jobs]
            said, heard = (future.result() for future in futures)
        undo()
        seconds = time.perf_counter() - started
        words = sum(len(segment.words) for segment in said.transcript.segments)
        yield f"One hour (the packaged call, two speakers, every minute), one worker each: {words} words and"
        yield f"{len(heard.diarization.speakers)} speakers in {seconds:.0f} s side by side, a real-time"
        yield f"factor of {seconds / 60 / MINUTES:.3f}. The workers' highest memory so far:\n"
        yield "| task | progress | seconds | memory |"
        yield "|---|---:|---:|---:|"
        for row in sorted(rows):
            yield f"| {row.stage} | {row.fraction:.0%} | {row.seconds:.0f} | {row.peak >> 20} MiB |"
        yield ""
        yield from ten_hours(endpoint, path, folder, seconds)


def ten_hours(endpoint: LocalEndpoint, hour: Path, folder: Path, seconds: float) -> Iterator[str]:
    """What ten hours add to ten times an hour is the clustering of all their windows: that is done."""
    from tasks.calls.invoke import invoke
    from tasks.calls.pieces import even_pieces
    from tasks.stages.diarize.run import _hear

    pieces = even_pieces(60 * MINUTES)
    places = [folder / f"windows-{number}.npz" for number in range(len(pieces))]
    for number, (piece, place) in enumerate(zip(pieces, places, strict=True)):
        _hear(hour.as_uri(), piece, number == len(pieces) - 1, place, "auto")
    before = endpoint.peak_memory()["pyannote"]
    started = time.perf_counter()
    request = GroupRequest(
        windows=[place.as_uri() for place in places] * HOURS,
        duration=60 * MINUTES * HOURS,
        diarizer="auto",
        result_uri=(folder / "ten-hours.json").as_uri(),
    )
    found = invoke("pyannote", request, Diarization).value
    grouped, after = time.perf_counter() - started, endpoint.peak_memory()["pyannote"]
    yield f"{HOURS} hours of windows (the hour's, {HOURS} times) become {len(found.turns)} turns of"
    yield f"{len(found.speakers)} speakers in {grouped:.0f} s; the worker's highest memory goes from"
    yield f"{before >> 20} to {after >> 20} MiB. So ten hours take about"
    yield f"{(HOURS * seconds + grouped) / 3600:.1f} hours on this machine."
