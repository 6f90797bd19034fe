"""`python -m deployments.aws.parameters IMAGE`: what its stack (stacks/image.yaml) is deployed with.

Prints Name=Value pairs for `aws cloudformation deploy --parameter-overrides`, from the image's image.toml.
"""

import sys

from containers.common.image import IMAGES, image


def parameters(name: str) -> dict[str, int | str]:
    """The stack's parameters that the image itself decides."""
    settings = image(name)
    cpu, memory = settings.task_size
    return {
        "Image": name,
        "MemoryMb": settings.function_mb,
        "TimeoutS": settings.timeout_s,
        "StorageMb": settings.storage_mb,
        "ReservedConcurrency": settings.reserved_concurrency,
        "ProvisionedConcurrency": settings.provisioned_concurrency,
        "TaskCpu": cpu,
        "TaskMemoryMb": memory,
    }


def main(arguments: list[str]) -> int:
    """Exit code: 0, or 2 for a name that is no image's."""
    if len(arguments) != 1 or arguments[0] not in IMAGES:
        print(f"Name one image: {', '.join(IMAGES)}.", file=sys.stderr)
        return 2
    print(*(f"{name}={value}" for name, value in parameters(arguments[0]).items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
