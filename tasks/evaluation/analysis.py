"""One item through the stages of an analysis: what is evaluated is what `flows.analyze` runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from containers.common.errors import UserError
from tasks.evaluation.dataset import Item
from tasks.media.decode import decode
from tasks.media.probe import probe
from tasks.stages.common import StageOptions
from tasks.stages.denoise.run import denoise
from tasks.stages.diarize.run import DiarizedAudio, diarize
from tasks.stages.options import AnalyzeOptions
from tasks.stages.registry import STAGES
from tasks.stages.transcribe.run import Transcription, transcribe

Analysed = Literal["transcription", "diarization"]
CHAINS: dict[Analysed, tuple[str, ...]] = {
    "transcription": ("denoise", "transcribe"),
    "diarization": ("diarize",),
}
NAMED_BY: dict[Analysed, str] = {"transcription": "whisper_model", "diarization": "diarizer"}


Options = Any  # an AnalyzeOptions, whose fields are the stages': type checkers do not see them


def options_of(kind: Analysed, model: str, given: Mapping[str, Any]) -> Options:
    """The analysis' options with `model` where they name one.

    Raises UserError for an option that no stage of this kind reads, and for a value that is none.
    """
    own = [name for stage in CHAINS[kind] for name in STAGES[stage].options.model_fields]
    known = [name for name in own if name not in StageOptions.model_fields]
    if unused := sorted(set(given) - set(known)):
        raise UserError(f"{kind} does not use the option '{unused[0]}'; it has {', '.join(known)}.")
    try:
        return AnalyzeOptions.model_validate({NAMED_BY[kind]: model} | dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        name = " ".join(map(str, first["loc"])) or "option"
        raise UserError(f"{kind}: {name}: {first['msg'].removeprefix('Value error, ')}.") from None


def transcribe_item(item: Item, folder: Path, options: Options) -> Transcription:
    """What is said, after the denoising that the options ask for; all models that took part are named."""
    if item.language and not options.language:
        options = options.model_copy(update={"language": item.language})
    full, speech = _decoded(item, folder)
    cleaned = None if options.denoise == "off" else denoise.fn(full, folder / "denoised", options)
    found = transcribe.fn((cleaned and cleaned.audio) or speech, folder, options)
    found.models += [model for model in (cleaned.models if cleaned else []) if model not in found.models]
    return found


def diarize_item(item: Item, folder: Path, options: Options) -> DiarizedAudio:
    """Who speaks when: of the sound as it is, denoising takes voices apart less well."""
    return diarize.fn(_decoded(item, folder)[1], folder, options)


def _decoded(item: Item, folder: Path) -> tuple[str, str]:
    """The sound at 48 and at 16 kHz, as URIs. Raises UserError for media without sound."""
    decoded = decode.fn(item.media, folder / "media", 1.0, probe(item.media).duration)
    if decoded.audio_48k is None or decoded.audio_16k is None:
        raise UserError(f"{item.id} has no sound.")
    return decoded.audio_48k, decoded.audio_16k
