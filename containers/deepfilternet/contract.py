"""Noise suppression: audio in, the same audio with less noise out, where that helps."""

from typing import Annotated, Literal

from pydantic import Field

from containers.common.contract import Contract, Request, Seconds

Decibels = Annotated[float, Field(ge=0.1)]


class NoiseAt(Contract):
    """One second of the recording."""

    time: Seconds
    level_db: float = Field(description="dBFS; -120 is digital silence")
    speech: float = Field(ge=0, le=1, description="share of the second that has speech")
    snr_db: float | None = Field(default=None, description="median of its speech frames, -15 to 35")


class NoiseTrack(Contract):
    """What `noise_uri` receives: the estimate over time."""

    track: list[NoiseAt]


class NoiseEstimate(Contract):
    """The whole recording, by DeepFilterNet's own estimate for every 10 ms."""

    snr_db: float | None = Field(
        default=None, description="median local SNR of frames with speech, -15 to 35; none without speech"
    )
    speech_seconds: float
    speech_db: float | None = Field(default=None, description="dBFS, mean power of frames with speech")
    noise_db: float | None = Field(default=None, description="dBFS, mean power of frames without speech")


class Denoised(Contract):
    applied: bool = Field(description="whether there is denoised audio")
    reason: str = Field(description="why, in one sentence")
    audio: str | None = Field(default=None, description="URI of the denoised audio, when applied")
    sample_rate: int = Field(description="Hz, the input's")
    channels: int = Field(description="as many as the input has")
    duration: float = Field(description="seconds, as long as the input")
    engine: Literal["native", "torch"]
    attenuation_limit_db: float | None = Field(
        default=None,
        description="as asked for; with auto by how much noise was lowered, over all frequencies; "
        "none: no limit, or not applied",
    )
    noise: NoiseEstimate


class DenoiseRequest(Request):
    audio: str = Field(description="URI of audio in any container and codec, any rate, up to 8 channels")
    audio_uri: str = Field(
        description="URI that receives the denoised audio, at the input's rate and channels"
    )
    mode: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="auto: denoise when the estimate says that it helps; on: always; off: estimate only",
    )
    format: Literal["wav", "flac", "opus"] | None = Field(
        default=None, description="of the denoised audio; told by the name of `audio_uri` when not given"
    )
    noise_uri: str | None = Field(default=None, description="URI that receives the estimate over time, JSON")
    spectrogram_uri: str | None = Field(
        default=None, description="URI that receives a PNG of the spectrograms before and after, when applied"
    )
    engine: Literal["auto", "native", "torch"] = Field(
        default="auto",
        description="native: DeepFilterNet's Rust runtime; torch: its package; auto: native if in the store",
    )
    attenuation_limit_db: Literal["auto"] | Decibels | None = Field(
        default="auto",
        description="noise is lowered by at most this; auto: up to 18, at each frequency by how much of it "
        "is noise; null: no limit",
    )
    post_filter: bool = Field(default=False, description="lower noise that is left a little more")
