"""Speech to text: audio in, segments of timed words out (specification 2.4)."""

from typing import Literal

from pydantic import Field

from containers.common.contract import Contract, Request, Seconds

ComputeType = Literal["auto", "int8", "int8_float16", "float16", "bfloat16", "float32"]
Device = Literal["auto", "cpu", "cuda"]
VadMethod = Literal["pyannote", "silero"]
Task = Literal["transcribe", "translate"]


class LanguageModels(Contract):
    """What one language is transcribed and aligned with; ids of the model catalogue."""

    model: str | None = None
    aligner: str | None = None


class TranscribeRequest(Request):
    """Options have whisperX's names and defaults, where it has them."""

    audio: str = Field(description="URI of audio in any container and codec; read as 16 kHz mono")
    start: Seconds = Field(default=0, description="transcribe from here")
    end: Seconds | None = Field(default=None, description="to here; times stay those of the whole audio")
    language: str | None = Field(
        default=None,
        description="code or name (ko, haw, Spanish), or several with commas: only these are expected; "
        "without it each stretch of speech is asked for its language",
    )
    model: str = Field(
        default="auto",
        description="id of a Whisper in the catalogue; auto: the language's own in `languages`, else `best`",
    )
    best: str | None = Field(
        default=None,
        description="what auto stands for; if not given the best that the store has and the machine can run",
    )
    languages: dict[str, LanguageModels] = Field(
        default={}, description="models by language, before those of the built-in table"
    )
    batch_size: int = Field(default=8, ge=1, description="stretches of speech decoded at once")
    beam_size: int = Field(default=5, ge=1)
    compute_type: ComputeType = Field(default="auto", description="auto: int8 on a CPU, float16 on a GPU")
    device: Device = Field(default="auto", description="auto: a GPU where there is one")
    initial_prompt: str | None = None
    hotwords: str | None = None
    vad_method: VadMethod = "pyannote"
    vad_onset: float = Field(
        default=0.5, gt=0, lt=1, description="voice activity starts above this probability"
    )
    vad_offset: float = Field(
        default=0.363, gt=0, lt=1, description="voice activity ends below this probability"
    )
    chunk_size: float = Field(
        default=30, ge=1, le=30, description="seconds of speech decoded in one piece, at most"
    )
    task: Task = Field(default="transcribe", description="translate: into English")
    align: bool = Field(default=True, description="word times from the language's aligner, where stored")
    suppress_numerals: bool = Field(default=False, description="numbers and signs are written as words")
    condition_on_previous_text: bool = Field(
        default=False, description="each stretch is written in the light of the one before, one after another"
    )
    temperature: float = Field(default=0, ge=0, le=1, description="of sampling; 0: the likeliest text")
    temperature_increment_on_fallback: float = Field(
        default=0, ge=0, le=1, description="step to the next temperature where a text fails; 0: no fallback"
    )
    compression_ratio_threshold: float = Field(
        default=2.4, gt=0, description="a text that compresses better may be a loop"
    )
    logprob_threshold: float = Field(
        default=-1.0, le=0, description="a text whose mean log probability is lower fails"
    )
    no_speech_threshold: float = Field(
        default=0.6, ge=0, le=1, description="an unlikely text is silence above this probability of it"
    )
