"""What can be chosen about transcription."""

import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from containers.common.languages import to_codes
from containers.whisperx.contract import ComputeType, Device, LanguageModels, Task, VadMethod
from tasks.stages.common import NotInKey, StageOptions


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


Languages = Annotated[dict[str, LanguageModels], BeforeValidator(_read_table)]


class TranscribeOptions(StageOptions):
    language: Annotated[str | None, AfterValidator(to_codes)] = Field(
        default=None,
        description="language spoken (ko, Korean), or several that may be (ko,en); "
        "found for each stretch of speech when empty",
    )
    whisper_model: str = Field(
        default="auto",
        description="id of a Whisper in the model catalogue; "
        "auto: the best that the store has and the machine can run",
    )
    languages: Languages = Field(
        default={}, description="Whisper and aligner by language, or a TOML file of them"
    )
    batch_size: Annotated[int, NotInKey("speed alone")] = Field(
        default=8, ge=1, description="stretches of speech decoded at once"
    )
    beam_size: int = Field(default=5, ge=1, description="texts that the decoder compares")
    compute_type: ComputeType = Field(default="auto", description="int8, float16, float32, ...")
    device: Annotated[Device, NotInKey("speed alone")] = Field(
        default="auto", description="cpu or cuda for speech; auto: cuda where it is"
    )
    initial_prompt: str | None = Field(default=None, description="text that shows how to write")
    hotwords: str | None = Field(default=None, description="rare words and names to listen for")
    vad_method: VadMethod = Field(default="pyannote", description="voice activity by pyannote or silero")
    vad_onset: float = Field(default=0.5, gt=0, lt=1, description="speech starts above this probability")
    vad_offset: float = Field(default=0.363, gt=0, lt=1, description="speech ends below this probability")
    chunk_size: float = Field(default=30, ge=1, le=30, description="seconds of speech decoded in one piece")
    task: Task = Field(default="transcribe", description="translate: what is said, in English")
    align: bool = Field(
        default=True, description="word times from the language's aligner, where the store has it"
    )
    suppress_numerals: bool = Field(default=False, description="write numbers and signs as words")
    condition_on_previous_text: bool = Field(
        default=False, description="go on with what was said before; slower, and a mistake may go on too"
    )
    temperature: float = Field(default=0, ge=0, le=1, description="of sampling; 0: the likeliest text")
    temperature_increment_on_fallback: float = Field(
        default=0,
        ge=0,
        le=1,
        description="decode what fails again, each time so much hotter, Whisper's own being 0.2; 0: do not",
    )
    compression_ratio_threshold: float = Field(
        default=2.4, gt=0, description="a text that compresses better may be a loop, and fails"
    )
    logprob_threshold: float = Field(
        default=-1.0, le=0, description="a text whose words are less likely (mean log probability) fails"
    )
    no_speech_threshold: float = Field(
        default=0.6,
        ge=0,
        le=1,
        description="an unlikely text is silence where Whisper finds that this probable",
    )

    @model_validator(mode="after")
    def _speech_ends_below_its_start(self) -> Self:
        if self.vad_offset > self.vad_onset:
            raise ValueError("vad_offset is larger than vad_onset")
        return self
