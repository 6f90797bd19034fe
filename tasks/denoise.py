"""Noise out of speech, by the deepfilternet image."""

from pathlib import Path

from prefect import task

from containers.deepfilternet.contract import Denoised, DenoiseRequest
from tasks.invoke import invoke
from tasks.stage import StageOutput


class DenoisedAudio(StageOutput):
    audio: str
    engine: str

    @property
    def summary(self) -> str:
        return f"{self.engine} engine"


@task
def denoise(audio: str, folder: Path) -> DenoisedAudio:
    """48 kHz mono WAV in, the same with less noise out, as `folder`/denoised.wav."""
    request = DenoiseRequest(audio=audio, audio_uri=(folder / "denoised.wav").as_uri())
    answer = invoke("deepfilternet", request, Denoised)
    output = DenoisedAudio(audio=answer.value.audio, engine=answer.value.engine)
    output.add_cost(answer)
    return output
