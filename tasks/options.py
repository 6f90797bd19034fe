"""What a person can choose about an analysis. Prefect shows these as a form."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class AnalyzeOptions(BaseModel):
    """Defaults suit most media; every option is part of what makes a finished stage count as finished."""

    model_config = ConfigDict(extra="forbid")

    language: str | None = Field(
        default=None, description="language spoken (ISO 639-1, e.g. ko); found when empty"
    )
    whisper_model: str = Field(default="whisper-base", description="id of a Whisper in the model catalogue")
    denoise: Literal["auto", "on", "off"] = Field(
        default="auto", description="remove noise before transcription: auto (where it helps), on or off"
    )
    denoise_format: Literal["flac", "opus"] = Field(
        default="flac", description="of the denoised audio: flac (lossless) or opus (a tenth of the size)"
    )
    denoise_limit: float = Field(
        default=10.0, ge=0.1, le=100, description="noise is lowered by at most this many decibels"
    )
    denoise_post_filter: bool = Field(
        default=False, description="lower what noise is left between words a little more"
    )
    num_speakers: int | None = Field(default=None, ge=1, description="exact number of speakers, when known")
    min_speakers: int | None = Field(default=None, ge=1, description="at least this many speakers")
    max_speakers: int | None = Field(default=None, ge=1, description="at most this many speakers")
    detector: Literal["tiny", "ssd", "auto"] = Field(
        default="ssd", description="tiny is faster, ssd finds more faces, auto: ssd where tiny is unsure"
    )
    face_threshold: float = Field(default=0.4, gt=0, lt=1, description="faces score at least this")
    frame_rate: float = Field(
        default=1.0, gt=0, le=30, description="frames per second looked at for faces, at least"
    )
    min_face: int = Field(default=20, ge=0, description="faces narrower than this many pixels are left out")
    tag_threshold: float = Field(default=0.3, gt=0, lt=1, description="sound events score at least this")
    tag_top_k: int = Field(default=10, ge=1, description="sounds kept per window")
    tag_window: float = Field(
        default=10.0, ge=1, le=60, description="seconds that the large sound tagger hears at once"
    )
    tag_hop: float = Field(default=5.0, ge=0.1, le=60, description="seconds between its windows")
    index: bool = Field(
        default=True, description="add faces and voices to the search index beside the assets"
    )

    @model_validator(mode="after")
    def _speakers_agree(self) -> Self:
        low, high = self.min_speakers or 1, self.max_speakers or 10**6
        if low > high:
            raise ValueError("min_speakers is larger than max_speakers")
        if self.num_speakers and not low <= self.num_speakers <= high:
            raise ValueError("num_speakers contradicts min_speakers or max_speakers")
        if self.tag_hop > self.tag_window:
            raise ValueError("tag_hop is larger than tag_window")
        return self
