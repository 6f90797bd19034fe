"""Speech to timed words, by the whisperx image."""

from pathlib import Path

from prefect import task

from containers.whisperx.contract import TranscribeRequest, Transcript
from tasks.invoke import invoke
from tasks.options import AnalyzeOptions
from tasks.stage import StageOutput


class Transcription(StageOutput):
    transcript: Transcript

    @property
    def summary(self) -> str:
        words = sum(len(segment.words) for segment in self.transcript.segments)
        return f"{words} words, language {self.transcript.language}" if words else "no speech"


@task
def transcribe(audio: str, folder: Path, options: AnalyzeOptions) -> Transcription:
    """Audio of any rate in, segments of words with start, end and score out."""
    request = TranscribeRequest(
        audio=audio,
        language=options.language,
        model=options.whisper_model,
        result_uri=(folder / "transcript.json").as_uri(),
    )
    answer = invoke("whisperx", request, Transcript)
    output = Transcription(transcript=answer.value)
    output.add_cost(answer)
    return output
