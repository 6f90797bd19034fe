"""One stage of the flow on one file, without a flow: the same task, the same image, the same contract."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from containers.common.errors import UserError
from tasks.media.decode import decode
from tasks.media.decoded import Decoded
from tasks.media.probe import probe
from tasks.stages.detect.run import DetectedFaces
from tasks.stages.options import AnalyzeOptions
from tasks.stages.output import StageOutput
from tasks.stages.registry import STAGES
from tasks.stages.stage import Inputs
from tasks.stages.transcribe.run import Transcription


class Trial(NamedTuple):
    """What came out and the seconds that it took, loading of models apart."""

    output: StageOutput
    seconds: float
    load_seconds: float


def decode_once(media: str | Path, folder: Path, options: AnalyzeOptions) -> Decoded:
    """The file's sound and frames, as every stage wants them, in `folder`."""
    expected = options.part.length(probe(Path(media)).duration)
    return decode.fn(
        Path(media), folder, options.frame_rate, expected, options.audio_track, options.channels, options.part
    )


def try_stage(
    stage: str, media: str | Path, decoded: Decoded, folder: Path, options: AnalyzeOptions
) -> Trial:
    """Runs a stage that is made of sound or frames alone. Raises UserError where the file has none.

    Some look into `media` once more: at pictures between the frames that were decoded.
    """
    started = time.perf_counter()
    output = _run(stage, Path(media), decoded, folder, options)
    seconds = time.perf_counter() - started
    return Trial(output, seconds - output.load_seconds, output.load_seconds)


def _run(name: str, media: Path, decoded: Decoded, folder: Path, options: AnalyzeOptions) -> Any:
    alone = {name: stage for name, stage in STAGES.items() if not stage.needs}
    if name not in alone:
        raise UserError(f"There is no stage '{name}' to try: {', '.join(alone)}.")
    parts = {"sound": decoded.audio_48k is not None, "picture": bool(decoded.frames)}
    if missing := [part for part in alone[name].reads if not parts[part]]:
        raise UserError(f"The file has no {' and no '.join(missing)}.")
    kept = folder / name
    kept.mkdir(exist_ok=True)
    task, arguments = alone[name].call(Inputs(media, decoded, {}, options, folder, kept))
    return task.fn(*arguments)


def compare(
    stage: str,
    media: str | Path,
    decoded: Decoded,
    folder: Path,
    choices: Mapping[str, Mapping[str, Any]],
) -> tuple[pd.DataFrame, dict[str, Trial]]:
    """Each choice of options, by its name, on the same decoded file: a table and the trials themselves."""
    trials = {
        name: try_stage(stage, media, decoded, folder, AnalyzeOptions.model_validate(dict(chosen)))
        for name, chosen in choices.items()
    }
    rows = {name: _figures(trial, decoded.duration) for name, trial in trials.items()}
    return pd.DataFrame.from_dict(rows, orient="index"), trials


def _figures(trial: Trial, duration: float) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "found": trial.output.summary,
        "seconds": round(trial.seconds, 2),
        "real-time factor": round(trial.seconds / duration, 3),
    }
    if isinstance(trial.output, DetectedFaces):
        scores = [face.detection.score for frame in trial.output.frames for face in frame.faces]
        figures |= {"faces": len(scores), "mean score": round(sum(scores) / max(1, len(scores)), 3)}
    if isinstance(trial.output, Transcription):
        words = [word for segment in trial.output.transcript.segments for word in segment.words]
        mean = sum(word.score for word in words) / max(1, len(words))
        figures |= {"words": len(words), "mean score": round(mean, 3)}
    return figures
