"""What is asked of an index beside vectors, and what it answers."""

from typing import Any

from pydantic import Field

from containers.common.contract import Contract


class Filter(Contract):
    """Which vectors may be found: those that pass every condition given. An empty list lets none pass."""

    assets: list[str] | None = None
    not_assets: list[str] = []
    kinds: list[str] | None = None
    tracks: list[int] | None = None
    labels: list[str] | None = None
    start: float | None = Field(default=None, description="seconds: vectors that lie, or end, at or after it")
    end: float | None = Field(default=None, description="seconds: vectors that lie, or begin, before it")


class Match(Contract):
    """One vector found, and where in which media it belongs.

    `score` is the cosine (higher is nearer) or the Euclidean distance (lower is nearer). What a vector does
    not have is left out: a picture has no track, a face no end.
    """

    score: float
    id: str
    asset: str
    model: str = Field(description="the embedding model that made the vector")
    kind: str | None = Field(default=None, description="face, voice, sound, ...")
    time: float | None = Field(default=None, description="seconds from the start of the media")
    end: float | None = Field(default=None, description="seconds; where the vector stands for a stretch")
    box: dict[str, float] | None = Field(default=None, description="x, y, width, height in pixels")
    track: int | None = None
    label: str | None = Field(default=None, description="the metadata's label, or else its speaker")
    metadata: dict[str, Any] = Field(default={}, description="all that was written with the vector")


class SearchResult(Contract):
    """One list per query, best first."""

    matches: list[list[Match]]
    version: str = Field(description="the version that answered; empty while there is only a delta")
