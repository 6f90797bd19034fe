"""`python -m deployments.images build [IMAGE...]` builds images; `sizes` says what each may weigh."""

import argparse
import sys
from pathlib import Path

from containers.common.errors import UserError
from containers.common.image import IMAGES, image
from deployments.images import sizes
from deployments.images.build import FLOWS, Choices, build
from deployments.images.engine import find_engine
from deployments.images.push import push

BUILT = (*IMAGES, FLOWS)


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 built, 1 failed, 2 wrong usage."""
    chosen = _parser().parse_args(arguments)
    try:
        return _sizes() if chosen.what == "sizes" else _build(chosen)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deployments.images", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("sizes", help="the wheels of each image's slice of the lock, and its budget")
    made = commands.add_parser("build", help="build images with Docker, or with buildah")
    made.add_argument("images", nargs="*", metavar="IMAGE", help=f"{', '.join(BUILT)}; without any: all")
    made.add_argument("--version", help="tag and label (the one of image.toml)")
    made.add_argument("--base", help="another base image, e.g. one of your registry")
    made.add_argument("--extra", help="another slice of the lock than the image's own")
    made.add_argument("--cuda", action="store_true", help="torch for CUDA")
    made.add_argument("--models", type=Path, help="folder of a model store to be baked in")
    made.add_argument("--no-pull", dest="pull", action="store_false", help="the base is on this machine")
    made.add_argument("--push", action="store_true", help="to the account's ECR afterwards")
    return parser


def _build(chosen: argparse.Namespace) -> int:
    unknown = [name for name in chosen.images if name not in BUILT]
    if unknown:
        raise UserError(f"There is no image '{unknown[0]}'; there are {', '.join(BUILT)}.")
    if chosen.models and not chosen.models.is_dir():
        raise UserError(f"There is no folder {chosen.models}; --models names a model store.")
    engine = find_engine()
    choices = Choices(chosen.version, chosen.base, chosen.extra, chosen.cuda, chosen.models, chosen.pull)
    for name in chosen.images or BUILT:
        reference = build(engine, name, choices)
        if chosen.push:
            import boto3

            reference = push(engine, boto3.client("ecr"), reference)
        print(reference)
    return 0


def _sizes() -> int:
    for name in IMAGES:
        if image(name).runtime == "python":
            print(f"{name:18} {sizes.wheels_mb(name):6.0f} MB of {image(name).wheels_mb} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
