"""Who speaks when: audio in, speaker turns, voice activity and one embedding per speaker out."""

from typing import Annotated, Literal

from pydantic import Field

from containers.common.contract import Contract, Request, Seconds
from containers.common.documents.speakers import Diarization

DiarizerName = Literal["auto", "community-1", "3.1", "starter"]
Diarizer = Annotated[
    DiarizerName,
    Field(description="pyannote's community-1 or 3.1, or the starter one; auto: the best that the store has"),
]


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


class WindowScores(Contract):
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
