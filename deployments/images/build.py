"""One image from its Dockerfile, named `mediaflow-<image>:<version>`."""

import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from containers.common.image import CONTAINERS, image
from deployments.images.engine import run, secrets

ROOT = CONTAINERS.parent
PLATFORM = "linux/amd64"  # of the functions and tasks (stacks/image.yaml), whatever machine builds
FLOWS = "flows"  # what Prefect runs in an account: flows and tasks without any model


@dataclass(frozen=True)
class Choices:
    """What a person may choose about a build; `extra`, `base`: None as the Dockerfile says."""

    version: str | None = None
    base: str | None = None
    extra: str | None = None
    cuda: bool = False
    models: Path | None = None
    pull: bool = True


def build(engine: str, name: str, choices: Choices) -> str:
    """Builds an image and returns its name with tag. Raises BuildFailed."""
    reference = f"mediaflow-{name}:{choices.version or version(name)}"
    with secrets() as lent:
        run(engine, *_words(engine, name, reference, choices), *lent, str(ROOT))
    return reference


def version(name: str) -> str:
    """What the image's settings say; of the flows, the project's own."""
    if name != FLOWS:
        return image(name).version
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def dockerfile(name: str) -> Path:
    """Python images share one; an image that differs has its own in its folder."""
    if name == FLOWS:
        return ROOT / "deployments" / "aws" / "flows" / "Dockerfile"
    own = CONTAINERS / name / "Dockerfile"
    return own if own.is_file() else CONTAINERS / "Dockerfile"


def _words(engine: str, name: str, reference: str, choices: Choices) -> list[str]:
    node = name != FLOWS and image(name).runtime == "node"
    arguments = {
        "VERSION": reference.rpartition(":")[2],
        "REVISION": revision(),
        "BASE_IMAGE": choices.base,
        "IMAGE": None if name == FLOWS or node else name,
        "EXTRA": None if node else choices.extra,
        ("BACKEND" if node else "TORCH"): "cuda" if choices.cuda else None,
    }
    words = ["build", "--tag", reference, "--file", str(dockerfile(name)), f"--platform={PLATFORM}"]
    if engine == "buildah":
        words += ["--layers", "--pull" if choices.pull else "--pull-never"]  # Docker caches layers by itself
    else:
        # With provenance Docker pushes an index of images, which Lambda refuses ("Create a Lambda function
        # using a container image" in its guide).
        words.append("--provenance=false")
    words += [f"--build-arg={key}={value}" for key, value in arguments.items() if value]
    # buildah takes the Dockerfile's label, whatever commit it names, from an earlier build of the same files.
    words.append(f"--label=org.opencontainers.image.revision={arguments['REVISION']}")
    if choices.models:
        words.append(f"--build-context=models={choices.models.resolve()}")
    return words


def revision() -> str:
    """The commit that is built, with `-changed` where files differ from it; `unknown` outside a clone."""
    words = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=-changed"]
    try:
        found = subprocess.run(words, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()
