"""What can be chosen about denoising."""

from typing import Literal, Self

from pydantic import Field, model_validator

from tasks.stages.common import StageOptions


class DenoiseOptions(StageOptions):
    denoise: Literal["auto", "on", "off"] = Field(
        default="auto", description="remove noise before transcription: auto (where it helps), on or off"
    )
    denoise_format: Literal["flac", "opus"] = Field(
        default="flac", description="of the denoised audio: flac (lossless) or opus (a tenth of the size)"
    )
    denoise_limit: Literal["auto"] | float = Field(
        default="auto",
        description="noise is lowered by at most this many decibels; auto: up to 18, by frequency",
    )
    denoise_engine: Literal["auto", "native", "torch"] = Field(
        default="auto",
        description="who removes the noise: DeepFilterNet's native runtime or its torch package; "
        "auto: native where the store has its model",
    )
    denoise_post_filter: bool = Field(
        default=False, description="lower what noise is left between words a little more"
    )

    @model_validator(mode="after")
    def _limit_is_heard(self) -> Self:
        if self.denoise_limit != "auto" and self.denoise_limit < 0.1:
            raise ValueError("denoise_limit is smaller than 0.1")
        return self
