"""The images of `images/`, for endpoints in tests and in processes of their own."""

from pathlib import Path

from containers.common.image import Image

ROOT = Path(__file__).parent / "images"
SPECIAL = {
    "slow_import": "slow_import.handler",
    "broken_import": "broken_import.handler",
    "exit_at_import": "exit_at_import.handler",
    "no_function": "handlers.nothing_of_that_name",
    "hoarder": "handlers.moody",
}


def sample_image(name: str) -> Image:
    """256 MB and 20 s, but 1 s for the images that hang."""
    if name == "no-such-image":
        raise LookupError(name)
    return Image(
        name=name,
        handler=SPECIAL.get(name, f"handlers.{name}"),
        memory_mb=256,
        timeout_s=1 if name == "moody" else 20,
        init_timeout_s=1 if name == "slow_import" else 20,
        environment={"COLOUR": "of the image"},
    )
