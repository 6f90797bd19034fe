"""An image's settings, read from `containers/<image>/image.toml`: the one place that states its limits."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from containers.common.contract import Contract

CONTAINERS = Path(__file__).parents[1]
IMAGES = (
    "whisperx",
    "pyannote",
    "faceapi",
    "facenet",
    "deepfilternet",
    "audioset",
    "faiss",
    "model_downloader",
)


class Image(Contract):
    """What Lambda, ECS and the local endpoint must know to run an image."""

    name: str
    runtime: Literal["python", "node"] = "python"
    handler: str = Field(description="Lambda handler, e.g. containers.faiss.app.handler")
    extra: str = Field(description="the extra of pyproject.toml that installs its dependencies")
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


@cache
def image(name: str) -> Image:
    text = (CONTAINERS / name / "image.toml").read_text(encoding="utf-8")
    return Image.model_validate({"name": name, **tomllib.loads(text)})
