"""What is said of sound while it comes, a line of JSON each: when somebody speaks, and who."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from containers.common.contract import Contract, ModelRef, Seconds


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


LiveEvent = Annotated[Ready | LiveSpeech | LiveTurn, Field(discriminator="kind")]
LIVE_EVENT: TypeAdapter[Ready | LiveSpeech | LiveTurn] = TypeAdapter(LiveEvent)
