"""`diarization.json`: who spoke when."""

from pydantic import Field

from containers.common.contract import Contract, Span


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
