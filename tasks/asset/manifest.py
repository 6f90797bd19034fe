"""`manifest.json`: what went in, what made the results, what it cost and what is missing."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from containers.common.contract import ModelRef
from containers.common.inside import Name, RelativePath
from deployments.aws.costs import Costs
from tasks.media.probe import MediaInfo

Status = Literal["done", "skipped", "failed"]
FORMAT = 1  # of this file and of those it names; readers refuse a newer one


class StageEntry(BaseModel):
    """One stage of one analysis. `kept` means an earlier run had finished it."""

    name: str
    status: Status
    reason: str | None = Field(default=None, description="one sentence, unless done")
    found: str | None = Field(default=None, description="what came out, in a few words")
    figures: dict[str, float | str | bool | None] = Field(
        default={}, description="what it measured or decided"
    )
    started: float = Field(default=0, description="seconds after the run's start")
    seconds: float = Field(default=0, description="wall time in this run")
    load_seconds: float = Field(default=0, description="of which loading models")
    compute_seconds: float = Field(default=0, description="of which inside models")
    kept: bool = False


class FileEntry(BaseModel):
    sha256: str
    size: int


class Manifest(BaseModel):
    """Written last: an asset folder with a manifest is complete."""

    version: Literal[1] = 1
    asset: Name
    media: MediaInfo
    source: str | None = Field(default=None, description="s3:// URI that the media was read from")
    start: float = Field(default=0.0, description="seconds of the media at which the analysed part begins")
    duration: float = Field(description="seconds really decoded")
    damaged_packets: int = 0
    notes: list[str] = Field(default=[], description="what the media says of itself that was not believed")
    options: dict[str, Any]
    complete: bool = Field(description="no stage failed")
    stages: list[StageEntry]
    models: list[ModelRef]
    embeddings: dict[str, int] = Field(default={}, description="vectors by the model that made them")
    people: dict[str, str] = Field(default={}, description="names of known people, by appearance")
    hidden: list[str] = Field(default=[], description="appearances of people who are left out of the report")
    software: dict[str, str]
    created: datetime
    seconds: float = Field(description="wall time of the run that wrote this")
    peak_memory: dict[str, int] = Field(default={}, description="bytes, by image")
    costs: Costs | None = Field(default=None, description="of this run's calls on AWS, estimated")
    files: dict[RelativePath, FileEntry] = {}
    fingerprint: str = Field(description="equal for the same media, options, weights and code")

    @property
    def end(self) -> float:
        """Seconds of the media at which the analysed part ends."""
        return self.start + self.duration
