"""Lambda or ECS: what the image's settings say, and on "auto" what a request is going to need."""

from typing import Any, Literal

from containers.common.image import Image
from containers.common.image import image as settings_of

Where = Literal["lambda", "ecs"]
LAMBDA_MEMORY_MB = 10240
SPARE = 1.5  # media differ, and so do Lambda's processors: estimates have to be this far below the limits


def needs(image: str, request: dict[str, Any], media_seconds: float) -> tuple[float, float]:
    """Seconds and megabytes that a request is going to take, with some to spare."""
    estimate = settings_of(image).estimate
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
