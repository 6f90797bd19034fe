"""Lambda or ECS: what the image's settings say, and on "auto" what a request is going to need."""

from collections.abc import Iterator
from typing import Any, Literal

from containers.common.image import Image
from containers.common.image import image as settings_of
from containers.common.models.store import catalogue, has_model

Where = Literal["lambda", "ecs"]
STARTER = "starter"  # the profile that estimates were measured with
SCRATCH_MB = 512  # of the disk, for media and results beside the models
SPARE = 1.5  # media differ, and so do Lambda's processors: estimates have to be this far below the limits


def needs(image: str, request: dict[str, Any], media_seconds: float) -> tuple[float, float]:
    """Seconds and megabytes that a request is going to take, with some to spare."""
    estimate = settings_of(image).estimate
    pictures = len(request.get("images", ()))
    start, end = request.get("start") or 0, request.get("end") or media_seconds  # of a piece
    sound_seconds = 0 if pictures else max(0, end - start)
    seconds = (
        estimate.seconds
        + estimate.seconds_per_media_second * sound_seconds
        + estimate.seconds_per_picture * pictures
    )
    memory = estimate.memory_mb + estimate.memory_mb_per_media_second * sound_seconds
    return SPARE * seconds, SPARE * memory


def choose(settings: Image, request: dict[str, Any], media_seconds: float) -> Where:
    """ECS where the image says so, or where Lambda's time-out, memory or disk would not do."""
    if settings.runs_on != "auto":
        return settings.runs_on
    seconds, memory = needs(settings.name, request, media_seconds)
    weights = weights_mb(request)
    fits = (
        seconds <= settings.timeout_s
        and memory + weights <= settings.function_mb
        and weights <= settings.storage_mb - SCRATCH_MB
    )
    return "lambda" if fits else "ecs"


def weights_mb(request: dict[str, Any]) -> float:
    """Megabytes of what the request names of the catalogue, beyond what the estimate has in it already.

    All of it goes through the function's disk into its memory.
    """
    known = catalogue()
    named = {text for text in _texts(request) if text in known and known[text].profile != STARTER}
    aligners = [one for one in known.values() if one.task == "align" and has_model(one.id)]
    if any(known[text].task == "transcribe" for text in named) and aligners:
        named.add(max(aligners, key=lambda one: one.size).id)  # whichever language is spoken
    return sum(known[text].size or (known[text].about_mb or 0) * 1e6 for text in named) / 1e6


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
