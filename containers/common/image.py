"""An image's settings, read from `containers/<image>/image.toml`: the one place that states its limits.

A folder with such a file is an image: there is no other list of them.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from containers.common.contract import Contract

CONTAINERS = Path(__file__).parents[1]
SETTINGS = "image.toml"
IMAGES = tuple(sorted(path.parent.name for path in CONTAINERS.glob(f"*/{SETTINGS}")))


class Estimate(Contract):
    """What a request needs, for choosing between Lambda and ECS: constants, and what grows with it."""

    seconds: float = Field(default=0, ge=0)
    seconds_per_media_second: float = Field(default=0, ge=0)
    seconds_per_picture: float = Field(default=0, ge=0)
    memory_mb: float = Field(default=0, ge=0)
    memory_mb_per_media_second: float = Field(default=0, ge=0)


class Image(Contract):
    """What Lambda, ECS and the local endpoint must know to run an image."""

    name: str
    runtime: Literal["python", "node"] = "python"
    handler: str = Field(description="Lambda handler; without one containers.<image>.app.handler")
    memory_mb: int = Field(ge=128, le=10240)
    timeout_s: int = Field(ge=1, le=900)
    runs_on: Literal["auto", "lambda", "ecs"] = Field(
        default="auto", description="on AWS; auto: Lambda as long as its time-out and memory do"
    )
    storage_mb: int = Field(default=512, ge=512, le=10240)
    reserved_concurrency: int = Field(
        default=16,
        ge=0,
        description="on Lambda: calls at once, kept free for this image; 0: the account's rest",
    )
    provisioned_concurrency: int = Field(
        default=0, ge=0, description="on Lambda: calls at once without a cold start, paid for all the time"
    )
    init_timeout_s: int = Field(default=120, description="local only: how long a worker may take to import")
    environment: dict[str, str] = {}
    version: str = Field(default="0.1.0", pattern=r"^\d+\.\d+\.\d+$", description="`make images` tags it so")
    wheels_mb: int = Field(default=0, description="budget: the wheels of its slice of uv.lock, torch for CPU")
    unpacked_mb: int = Field(default=0, description="budget: what the image adds to its base, without models")
    estimate: Estimate = Estimate()

    @model_validator(mode="before")
    @classmethod
    def _named_as_the_image(cls, given: Any) -> Any:
        name = given["name"]
        return {"handler": f"containers.{name}.app.handler", **given}

    @property
    def extra(self) -> str:
        """The extra of pyproject.toml that installs its dependencies."""
        return self.name.replace("_", "-")


@cache
def image(name: str) -> Image:
    text = (CONTAINERS / name / SETTINGS).read_text(encoding="utf-8")
    return Image.model_validate({"name": name, **tomllib.loads(text)})
