"""What a person can choose about an analysis. Prefect shows these as a form."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from containers.audioset.ontology import check_names
from containers.pyannote.contract import DiarizerName
from containers.whisperx.contract import ComputeType, Device, LanguageModels, VadMethod


def _split(text: object) -> object:
    """What a command line gives, names between semicolons (AudioSet's names have commas), as a list."""
    return [part.strip() for part in text.split(";") if part.strip()] if isinstance(text, str) else text


def _pairs(text: object) -> object:
    parts = _split(text)
    if not isinstance(parts, list):
        return parts
    return {name.strip(): value.strip() for name, _, value in (part.rpartition("=") for part in parts)}


def _read_table(given: object) -> object:
    """What a command line gives, the path of a TOML file with a table for each language, as that table."""
    if not isinstance(given, str):
        return given
    try:
        return tomllib.loads(Path(given).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{given} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{given} is not TOML: {error}") from None


def _known(names: Any) -> Any:
    check_names(names)
    return names


Names = Annotated[list[str], BeforeValidator(_split), AfterValidator(_known)]
Thresholds = Annotated[
    dict[str, Annotated[float, Field(gt=0, lt=1)]], BeforeValidator(_pairs), AfterValidator(_known)
]
Languages = Annotated[dict[str, LanguageModels], BeforeValidator(_read_table)]


class AnalyzeOptions(BaseModel):
    """Defaults suit most media; every option that changes a result is part of its stage's key."""

    model_config = ConfigDict(extra="forbid")

    language: str | None = Field(
        default=None,
        description="language spoken (ISO 639-1, e.g. ko), or several that may be (ko,en); "
        "found for each stretch of speech when empty",
    )
    whisper_model: str = Field(
        default="auto", description="id of a Whisper in the model catalogue; auto: by language"
    )
    languages: Languages = Field(
        default={}, description="Whisper and aligner by language, or a TOML file of them"
    )
    batch_size: int = Field(default=8, ge=1, description="stretches of speech decoded at once")
    beam_size: int = Field(default=5, ge=1, description="texts that the decoder compares")
    compute_type: ComputeType = Field(default="auto", description="int8, float16, float32, ...")
    device: Device = Field(default="auto", description="cpu or cuda for speech; auto: cuda where it is")
    initial_prompt: str | None = Field(default=None, description="text that shows how to write")
    hotwords: str | None = Field(default=None, description="rare words and names to listen for")
    vad_method: VadMethod = Field(default="pyannote", description="voice activity by pyannote or silero")
    vad_onset: float = Field(default=0.5, gt=0, lt=1, description="speech starts above this probability")
    vad_offset: float = Field(default=0.363, gt=0, lt=1, description="speech ends below this probability")
    chunk_size: float = Field(default=30, ge=1, le=30, description="seconds of speech decoded in one piece")
    pieces_at_once: int = Field(
        default=4, ge=1, description="pieces of a long recording sent to the whisperx image at once"
    )
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
    diarizer: DiarizerName = Field(
        default="auto",
        description="who tells the speakers apart: pyannote's community-1 or 3.1 or the starter models; "
        "auto: the best that the store has",
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
    tag_mode: Literal["clip", "events"] = Field(
        default="clip", description="clip: sounds of whole windows; events: to the frame, by another model"
    )
    tag_only: Names = Field(
        default=[], description="sounds or families to look for, e.g. 'animals; music'; all when empty"
    )
    tag_threshold: float = Field(default=0.3, gt=0, lt=1, description="sound events score at least this")
    tag_thresholds: Thresholds = Field(
        default={}, description="other scores for sounds or families, e.g. 'animals=0.2; Bark=0.1'"
    )
    tag_top_k: int = Field(default=10, ge=1, description="sounds kept per window")
    tag_window: float = Field(
        default=10.0, ge=1, le=60, description="seconds that the large sound tagger hears at once"
    )
    tag_hop: float = Field(default=5.0, ge=0.1, le=60, description="seconds between its windows")
    runtime: Literal["local", "aws"] | None = Field(
        default=None, description="where the images run; when empty what MEDIAFLOW_RUNTIME says, else local"
    )
    index: bool = Field(
        default=True, description="add faces and voices to the search index beside the assets"
    )

    @model_validator(mode="after")
    def _values_agree(self) -> Self:
        if self.denoise_limit != "auto" and self.denoise_limit < 0.1:
            raise ValueError("denoise_limit is smaller than 0.1")
        low, high = self.min_speakers or 1, self.max_speakers or 10**6
        if low > high:
            raise ValueError("min_speakers is larger than max_speakers")
        if self.num_speakers and not low <= self.num_speakers <= high:
            raise ValueError("num_speakers contradicts min_speakers or max_speakers")
        if self.tag_hop > self.tag_window:
            raise ValueError("tag_hop is larger than tag_window")
        if self.vad_offset > self.vad_onset:
            raise ValueError("vad_offset is larger than vad_onset")
        return self
