"""Noise suppression: audio in, the same audio with less noise out."""

from typing import Literal

from pydantic import Field

from containers.common.contract import Contract, Request


class Denoised(Contract):
    audio: str = Field(description="URI of the denoised audio: 48 kHz mono 16-bit WAV")
    sample_rate: int
    duration: float = Field(description="seconds, as long as the input")
    engine: Literal["native", "torch"]


class DenoiseRequest(Request):
    audio: str = Field(description="URI of audio in any container and codec; read as 48 kHz mono")
    audio_uri: str = Field(description="URI that receives the denoised audio")
    engine: Literal["auto", "native", "torch"] = Field(
        default="auto",
        description="native: DeepFilterNet's Rust runtime; torch: its package; auto: native if in the store",
    )
    attenuation_limit_db: float | None = Field(
        default=None, ge=0.1, description="noise is lowered by at most this; no limit when not given"
    )
    post_filter: bool = False
