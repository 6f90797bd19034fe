"""The figures of each kind of evaluation."""

from tasks.evaluation import (
    attributed,
    denoising,
    faces,
    search,
    speakers,
    speed,
    tagging,
    transcripts,
    video,
)
from tasks.evaluation.run import FinishedRun
from tasks.evaluation.statistics import Measure

MEASURES: dict[str, list[Measure]] = {
    "transcription": transcripts.MEASURES,
    "diarization": speakers.MEASURES,
    "attribution": attributed.MEASURES,
    "denoising": denoising.MEASURES,
    "tagging": tagging.MEASURES,
    "faces": faces.MEASURES,
    "video": video.MEASURES,
    "search": search.MEASURES,
    "speed": speed.measures(),
}


def measures_of(run: FinishedRun) -> list[Measure]:
    return MEASURES[run.record.kind]
