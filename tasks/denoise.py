"""Noise out of speech, by the deepfilternet image."""

from pathlib import Path

from prefect import task

from containers.deepfilternet.contract import Denoised, DenoiseRequest, NoiseEstimate
from tasks.invoke import invoke
from tasks.options import AnalyzeOptions
from tasks.stage import StageOutput


class DenoisedAudio(StageOutput):
    """`audio` is None where the original is to be used."""

    audio: str | None
    reason: str
    engine: str
    noise: NoiseEstimate

    @property
    def summary(self) -> str:
        return f"{'denoised' if self.audio else 'left as it is'}: {self.reason}"

    @property
    def figures(self) -> dict[str, float | str | bool | None]:
        return {"applied": self.audio is not None, "engine": self.engine, **self.noise.model_dump()}


@task
def denoise(audio: str, folder: Path, options: AnalyzeOptions) -> DenoisedAudio:
    """48 kHz mono WAV in; `folder`/denoised.wav out, where denoising helps or was asked for."""
    request = DenoiseRequest(audio=audio, audio_uri=(folder / "denoised.wav").as_uri(), mode=options.denoise)
    answer = invoke("deepfilternet", request, Denoised)
    result = answer.value
    output = DenoisedAudio(audio=result.audio, reason=result.reason, engine=result.engine, noise=result.noise)
    output.add_cost(answer)
    return output
