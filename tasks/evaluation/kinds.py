"""The figures of each kind of evaluation."""

from tasks.evaluation import denoising, faces, search, speakers, speed, tagging, words
from tasks.evaluation.run import FinishedRun
from tasks.evaluation.statistics import Measure

MEASURES: dict[str, list[Measure]] = {
    "transcription": words.MEASURES,
    "diarization": speakers.MEASURES,
    "denoising": denoising.MEASURES,
    "tagging": tagging.MEASURES,
    "faces": faces.MEASURES,
    "search": search.MEASURES,
    "speed": speed.measures(),
}


def measures_of(run: FinishedRun) -> list[Measure]:
    return MEASURES[run.record.kind]
