"""One item through the stages of an analysis: what is evaluated is what `flows.analyze` runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field, ValidationError

from containers.common.errors import UserError
from tasks.evaluation.dataset import Item
from tasks.media.decode import decode
from tasks.media.probe import probe
from tasks.outputs.assign import assign_speakers
from tasks.outputs.findings import gather
from tasks.people.appearances import group_appearances
from tasks.people.recognise import group
from tasks.people.store import People
from tasks.stages.common import StageOptions
from tasks.stages.denoise.run import denoise
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.track import Track
from tasks.stages.diarize.run import DiarizedAudio, diarize
from tasks.stages.embed.document import face_rows
from tasks.stages.link.run import Link
from tasks.stages.options import AnalyzeOptions
from tasks.stages.output import StageOutput
from tasks.stages.registry import STAGES
from tasks.stages.stage import Inputs
from tasks.stages.transcribe.run import Transcription, transcribe

Analysed = Literal["transcription", "diarization", "attribution", "video"]
CHAINS: dict[Analysed, tuple[str, ...]] = {
    "transcription": ("denoise", "transcribe"),
    "diarization": ("diarize",),
    "attribution": ("denoise", "transcribe", "diarize"),
    "video": ("detect", "embed", "diarize", "link"),
}
NAMED_BY: dict[Analysed, str] = {
    "transcription": "whisper_model",
    "diarization": "diarizer",
    "attribution": "whisper_model",
    "video": "detector",
}


Options = Any  # an AnalyzeOptions, whose fields are the stages': type checkers do not see them


def options_of(kind: Analysed, model: str, given: Mapping[str, Any]) -> Options:
    """The analysis' options with `model` where they name one.

    Raises UserError for an option that no stage of this kind reads, and for a value that is none.
    """
    own = [name for stage in CHAINS[kind] for name in STAGES[stage].options.model_fields]
    known = [name for name in own if name not in StageOptions.model_fields]
    known += ["frame_rate"] if kind == "video" else []
    if unused := sorted(set(given) - set(known)):
        raise UserError(f"{kind} does not use the option '{unused[0]}'; it has {', '.join(known)}.")
    named = {} if (kind, model) == ("video", "auto") else {NAMED_BY[kind]: model}
    try:
        return AnalyzeOptions.model_validate(named | dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        name = " ".join(map(str, first["loc"])) or "option"
        raise UserError(f"{kind}: {name}: {first['msg'].removeprefix('Value error, ')}.") from None


def transcribe_item(item: Item, folder: Path, options: Options) -> Transcription:
    """What is said, after the denoising that the options ask for; all models that took part are named."""
    return _transcribed(item, _decoded(item, folder), folder, options)


def _transcribed(item: Item, sound: "Sound", folder: Path, options: Options) -> Transcription:
    if item.language and not options.language:
        options = options.model_copy(update={"language": item.language})
    cleaned = None if options.denoise == "off" else denoise.fn(sound.full, folder / "denoised", options)
    found = transcribe.fn((cleaned and cleaned.audio) or sound.speech, folder, options)
    found.models += [model for model in (cleaned.models if cleaned else []) if model not in found.models]
    return found


def diarize_item(item: Item, folder: Path, options: Options) -> DiarizedAudio:
    """Who speaks when: of the sound as it is, denoising takes voices apart less well."""
    return diarize.fn(_decoded(item, folder).speech, folder, options)


def attribute_item(item: Item, folder: Path, options: Options) -> Transcription:
    """What is said and by whom: every word with the speaker that the analysis gives it."""
    sound = _decoded(item, folder)
    said, turns = _transcribed(item, sound, folder, options), diarize.fn(sound.speech, folder, options)
    said.transcript = assign_speakers(said.transcript, turns.diarization)
    said.models += [model for model in turns.models if model not in said.models]
    return said


class SeenVideo(StageOutput):
    """What is seen of a video: all sampled frames, tracks, who speaks, and vectors to tell people by."""

    frames: list[FrameFaces]
    tracks: list[Track]
    links: list[Link] = []
    vectors: list[dict[str, Any]] = Field(default=[], description="rows as in embeddings.parquet")


def watch_item(item: Item, folder: Path, options: Options) -> SeenVideo:
    """Faces, people and who of them speaks, by the analysis' stages one after another.

    Raises UserError for media without pictures.
    """
    length = probe(item.media).duration
    decoded = decode.fn(item.media, folder / "media", options.frame_rate, length)
    if not decoded.frames:
        raise UserError(f"{item.id} has no picture.")
    found: dict[str, StageOutput] = {}
    for name in CHAINS["video"]:
        stage = STAGES[name]
        if (decoded.audio_16k or "sound" not in stage.reads) and all(need in found for need in stage.needs):
            kept = folder / (stage.keeps or name)
            kept.mkdir(parents=True, exist_ok=True)
            task, arguments = stage.call(Inputs(item.media, decoded, found, options, folder, kept))
            found[name] = task.fn(*arguments)
    findings = gather(found)
    seen = SeenVideo(
        frames=findings.frames,
        tracks=findings.tracks,
        links=findings.speaking.links,
        vectors=face_rows(findings),
    )
    for output in found.values():
        seen.add_cost(output)
    return seen


def people_of(seen: Mapping[str, SeenVideo]) -> dict[tuple[str, int], int]:
    """(video, track) to the number of a person, told across all videos as `flows.people` tells them.

    A face that cannot be told is nobody else's: it has a number of its own.
    """
    appearances = [one for video, found in seen.items() for one in group_appearances(video, found.vectors)]
    groups = [each.appearances for each in group(appearances, People())]
    numbers = {
        (one.asset, int(one.label.removeprefix("face"))): number
        for number, together in enumerate(groups)
        for one in together
    }
    for video, found in seen.items():
        for track in found.tracks:
            numbers.setdefault((video, track.id), len(groups) + len(numbers))
    return numbers


class Sound(NamedTuple):
    """URIs of an item's sound at 48 and at 16 kHz."""

    full: str
    speech: str


def _decoded(item: Item, folder: Path) -> Sound:
    """Without its pictures. Raises UserError for media without sound."""
    decoded = decode.fn(item.media, folder / "media", 1.0, probe(item.media).duration, pictures=False)
    if decoded.audio_48k is None or decoded.audio_16k is None:
        raise UserError(f"{item.id} has no sound.")
    return Sound(decoded.audio_48k, decoded.audio_16k)
