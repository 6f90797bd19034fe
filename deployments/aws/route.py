"""Lambda or ECS: what the image's settings say, and on "auto" what a request is going to need."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from containers.common.image import Image

Where = Literal["lambda", "ecs"]
ESTIMATES = Path(__file__).with_name("estimates.toml")
LAMBDA_MEMORY_MB = 10240
SPARE = 1.5  # media differ, and so do Lambda's processors: estimates have to be this far below the limits


class Estimate(BaseModel):
    """What an image needs for a request: a constant and a part that grows with the work."""

    model_config = ConfigDict(extra="forbid")

    seconds: float = 0
    seconds_per_media_second: float = 0
    seconds_per_picture: float = 0
    memory_mb: float = 0
    memory_mb_per_media_second: float = 0


@cache
def estimates() -> dict[str, Estimate]:
    content = tomllib.loads(ESTIMATES.read_text(encoding="utf-8"))
    return {name: Estimate.model_validate(values) for name, values in content.items()}


def needs(image: str, request: dict[str, Any], media_seconds: float) -> tuple[float, float]:
    """Seconds and megabytes that a request is going to take, with some to spare."""
    estimate = estimates().get(image, Estimate())
    pictures = len(request.get("images", ()))
    start, end = request.get("start") or 0, request.get("end") or media_seconds  # of a piece
    heard = 0 if pictures else max(0, end - start)
    seconds = (
        estimate.seconds + estimate.seconds_per_media_second * heard + estimate.seconds_per_picture * pictures
    )
    memory = estimate.memory_mb + estimate.memory_mb_per_media_second * heard
    return SPARE * seconds, SPARE * memory


def choose(settings: Image, request: dict[str, Any], media_seconds: float) -> Where:
    """ECS where the image says so, or where Lambda's time-out or memory would not do."""
    if settings.runs_on != "auto":
        return settings.runs_on
    seconds, memory = needs(settings.name, request, media_seconds)
    fits = seconds <= settings.timeout_s and memory <= min(settings.memory_mb, LAMBDA_MEMORY_MB)
    return "lambda" if fits else "ecs"
