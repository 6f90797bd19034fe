"""An image's settings, read from `containers/<image>/image.toml`: the one place that states its limits.

A folder with such a file is an image: there is no other list of them.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from containers.common.contract import Contract

NEW_ACCOUNT_MB = 3008  # "Quotas" in Lambda's developer guide: AWS raises it with the account's use
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
    memory_mb: int = Field(ge=128, le=10240, description="here and on ECS; on Lambda `function_mb`")
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
    calls_at_once: int | None = Field(
        default=None, ge=1, description="over all runs of a Prefect server that limits them; for heavy ones"
    )
    threads: int = Field(
        default=1, ge=1, description="with more a call is no faster, or whatever runs beside it is slower"
    )
    comes_late: bool = Field(
        default=False, description="its stage waits for others', and ends a run: it may have all cores"
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

    @property
    def function_mb(self) -> int:
        """Memory on Lambda, of which a new account's functions have no more; for more there is ECS."""
        return min(self.memory_mb, NEW_ACCOUNT_MB)

    @property
    def task_size(self) -> tuple[int, int]:
        """CPU units and MB of the smallest Fargate task that is as quick as a Lambda of its memory.

        Lambda has a vCPU for every 1,769 MB; Fargate's sizes: "Task size" in the ECS developer guide.
        """
        cpu = next((units for units in (1024, 2048, 4096) if units >= 1024 * self.memory_mb / 1769), 4096)
        least, step = {1024: (2048, 1024), 2048: (4096, 1024), 4096: (8192, 1024)}[cpu]
        return cpu, max(least, -(-self.memory_mb // step) * step)


@cache
def image(name: str) -> Image:
    text = (CONTAINERS / name / SETTINGS).read_text(encoding="utf-8")
    return Image.model_validate({"name": name, **tomllib.loads(text)})
