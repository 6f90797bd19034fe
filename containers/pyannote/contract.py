"""Who speaks when: audio in, speaker turns, voice activity and one embedding per speaker out."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from containers.common.contract import Contract, ModelRef, Request, Seconds, Span

DiarizerName = Literal["auto", "community-1", "3.1", "starter"]
Diarizer = Annotated[
    DiarizerName,
    Field(description="pyannote's community-1 or 3.1, or the starter one; auto: the best that the store has"),
]


class Turn(Span):
    """One speaker talking without a break; turns of different speakers may overlap."""

    speaker: str
    face: int | None = Field(
        default=None, description="track of faces.json that is seen speaking, filled in by the analysis"
    )


class Speaker(Contract):
    """A voice that can be found again: `embedding` is L2-normalised, made by `model`."""

    speaker: str
    model: str
    embedding: list[float]
    person: str | None = Field(
        default=None, description="person of faces.json who has this voice, filled in by the analysis"
    )


class Diarization(Contract):
    """`diarization.json`."""

    turns: list[Turn]
    exclusive_turns: list[Turn] = Field(
        description="turns with overlap resolved to one speaker at a time: what words are assigned by"
    )
    voice_activity: list[Span]
    speakers: list[Speaker]
    note: str | None = Field(default=None, description="what was asked for and cannot be so")


def lacking(found: Diarization, exact: int | None, least: int | None) -> str | None:
    """The note on fewer speakers than were asked for; where nobody speaks, that is told already."""
    number, wanted = len({turn.speaker for turn in found.turns}), exact or least
    if not number or not wanted or number >= wanted:
        return None
    return f"asked for {'' if exact else 'at least '}{wanted} speakers, heard {number}"


class DiarizeRequest(Request):
    audio: str = Field(description="URI of audio in any container and codec; read as 16 kHz mono")
    num_speakers: int | None = Field(default=None, ge=1, description="exact number of speakers, when known")
    min_speakers: int | None = Field(default=None, ge=1)
    max_speakers: int | None = Field(default=None, ge=1)
    diarizer: Diarizer = "auto"


class HearRequest(Request):
    """A piece of a long recording, for a later GroupRequest."""

    audio: str = Field(description="URI of the whole audio, as in DiarizeRequest")
    start: Seconds = Field(description="windows that start from here, a multiple of their step,")
    end: Seconds | None = Field(default=None, description="and before here; without it to the end")
    windows_uri: str = Field(description="URI of the .npz file to write")
    diarizer: Diarizer = "auto"


class Heard(Contract):
    """What a piece's file holds: float16 `scores` and float32 `embeddings` of overlapping windows."""

    windows: int
    diarizer: Diarizer = Field(description="whose they are: a GroupRequest has to name it")


class GroupRequest(Request):
    """One clustering for all pieces of a recording."""

    windows: list[str] = Field(min_length=1, description="URIs of the pieces' files, in order")
    duration: Seconds = Field(description="of the whole audio")
    num_speakers: int | None = Field(default=None, ge=1, description="exact number of speakers, when known")
    min_speakers: int | None = Field(default=None, ge=1)
    max_speakers: int | None = Field(default=None, ge=1)
    diarizer: Diarizer = "auto"


class Ready(Contract):
    """The first thing that `python -m containers.pyannote.listen` says: sound may come."""

    kind: Literal["ready"] = "ready"
    models: list[ModelRef]


class LiveSpeech(Contract):
    """Voice activity while it goes on: said when it begins, without `end`, and again when it has ended."""

    kind: Literal["speech"] = "speech"
    start: Seconds
    end: Seconds | None = None
    heard: Seconds = Field(description="seconds of sound that had come when this was known")


class LiveTurn(Contract):
    """A turn as far as it is settled; while it is `open` it is said again, with the same start, longer."""

    kind: Literal["turn"] = "turn"
    speaker: str
    start: Seconds
    end: Seconds
    open: bool
    heard: Seconds = Field(description="seconds of sound that had come when this was known")


LiveEvent = Annotated[Ready | LiveSpeech | LiveTurn, Field(discriminator="kind")]
LIVE_EVENT: TypeAdapter[Ready | LiveSpeech | LiveTurn] = TypeAdapter(LiveEvent)
