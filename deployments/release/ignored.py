"""Findings that somebody looked at: deployments/release/ignored.toml, each with a reason and a last day."""

import datetime
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from containers.common.errors import UserError

IGNORED = Path(__file__).with_suffix(".toml")


class Ignored(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    reason: str = Field(min_length=10)
    until: datetime.date
    images: list[str] = []


class _List(BaseModel):
    model_config = ConfigDict(extra="forbid")

    finding: list[Ignored] = []


def ignored_names(image: str, path: Path = IGNORED, today: datetime.date | None = None) -> set[str]:
    """Names of findings that count for nothing in this image today. Raises UserError for a faulty list."""
    try:
        listed = _List.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).finding
    except (OSError, ValidationError, ValueError) as error:
        raise UserError(f"{path} cannot be used: {str(error).splitlines()[0]}.") from None
    today = today or datetime.datetime.now(datetime.UTC).date()
    return {one.name for one in listed if one.until >= today and (not one.images or image in one.images)}
