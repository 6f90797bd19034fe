"""What is said of sound while it comes, a line of JSON each: when somebody speaks, and who."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from containers.common.contract import Contract, ModelRef, Seconds
from containers.common.documents.speech import Segment


class Ready(Contract):
    """The first thing that a live listener's process says: sound may come."""

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


class LiveSettled(Contract):
    """Nothing that is said of the turns before `until` will change."""

    kind: Literal["settled"] = "settled"
    until: Seconds


class LiveStretch(Contract):
    """Speech to be written down: `samples` of the sound from `first` seconds on follow this line."""

    kind: Literal["stretch"] = "stretch"
    start: Seconds
    end: Seconds
    first: Seconds
    samples: int = Field(ge=0)


class LiveWords(Contract):
    """What is said from `start` to `end`, once it has been said; a segment is one speaker's."""

    kind: Literal["words"] = "words"
    start: Seconds
    end: Seconds
    segments: list[Segment]


LiveEvent = Annotated[Ready | LiveSpeech | LiveTurn | LiveSettled | LiveWords, Field(discriminator="kind")]
LIVE_EVENT: TypeAdapter[Ready | LiveSpeech | LiveTurn | LiveSettled | LiveWords] = TypeAdapter(LiveEvent)
