"""Noise out of speech, by the deepfilternet image."""

from pathlib import Path

from prefect import task

from containers.common import storage
from containers.deepfilternet.contract import Denoised, DenoiseRequest, NoiseEstimate, NoiseTrack
from tasks.calls.invoke import invoke
from tasks.stages.denoise.options import DenoiseOptions
from tasks.stages.output import StageOutput
from tasks.stages.times import later

NOISE, SPECTROGRAM = "noise.json", "spectrogram.png"


class DenoisedAudio(StageOutput):
    """`audio` is None where the original is to be used; `spectrogram` belongs to it."""

    audio: str | None
    track: str
    spectrogram: str | None
    reason: str
    engine: str
    limit: float | None
    noise: NoiseEstimate

    @property
    def summary(self) -> str:
        return f"{'denoised' if self.audio else 'left as it is'}: {self.reason}"

    @property
    def figures(self) -> dict[str, float | str | bool | None]:
        chosen = {"applied": self.audio is not None, "engine": self.engine}
        return chosen | {"attenuation_limit_db": self.limit} | self.noise.model_dump()

    @property
    def audio_name(self) -> str | None:
        return self.audio and self.audio.rpartition("/")[2]

    @property
    def files(self) -> dict[str, Path]:
        """What belongs into the asset folder: file name to where it is kept."""
        kept = [storage.local_path(uri) for uri in (self.audio, self.track, self.spectrogram) if uri]
        return {path.name: path for path in kept if path}


@task
def denoise(audio: str, folder: Path, options: DenoiseOptions, start: float = 0.0) -> DenoisedAudio:
    """48 kHz mono WAV in; into `folder` the noise over time and, where denoising helps or was asked for,
    the denoised audio and a picture of both.

    `start`: seconds of the media at which the audio begins; the noise's times are the media's.
    """
    picture = (folder / SPECTROGRAM).as_uri()
    request = DenoiseRequest(
        audio=audio,
        audio_uri=(folder / f"denoised.{options.denoise_format}").as_uri(),
        noise_uri=(folder / NOISE).as_uri(),
        spectrogram_uri=picture,
        mode=options.denoise,
        engine=options.denoise_engine,
        attenuation_limit_db=options.denoise_limit,
        post_filter=options.denoise_post_filter,
    )
    answer = invoke("deepfilternet", request, Denoised)
    result = answer.value
    if start:
        track = NoiseTrack.model_validate_json((folder / NOISE).read_bytes())
        moved = later(track, start).model_dump_json(exclude_none=True)
        storage.write_bytes((folder / NOISE).as_uri(), moved.encode())
    output = DenoisedAudio(
        audio=result.audio,
        track=(folder / NOISE).as_uri(),
        spectrogram=picture if result.applied else None,
        reason=result.reason,
        engine=result.engine,
        limit=result.attenuation_limit_db,
        noise=result.noise,
    )
    output.add_cost(answer)
    return output
