"""Who speaks when, by the pyannote image."""

from pathlib import Path

from prefect import task

from containers.pyannote.contract import Diarization, DiarizeRequest
from tasks.invoke import invoke
from tasks.options import AnalyzeOptions
from tasks.stage import StageOutput


class DiarizedAudio(StageOutput):
    diarization: Diarization

    @property
    def summary(self) -> str:
        return f"{len(self.diarization.speakers)} speakers, {len(self.diarization.turns)} turns"


@task
def diarize(audio: str, folder: Path, options: AnalyzeOptions) -> DiarizedAudio:
    """Audio of any rate in, speaker turns, voice activity and one embedding per speaker out."""
    request = DiarizeRequest(
        audio=audio,
        num_speakers=options.num_speakers,
        min_speakers=options.min_speakers,
        max_speakers=options.max_speakers,
        result_uri=(folder / "diarization.json").as_uri(),
    )
    answer = invoke("pyannote", request, Diarization)
    output = DiarizedAudio(diarization=answer.value)
    output.add_cost(answer)
    return output
