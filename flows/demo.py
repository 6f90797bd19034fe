"""`python -m flows.demo`: builds the sample video."""

import argparse
import sys
from pathlib import Path

from containers.common.errors import UserError
from tasks.demo_media import build_demo_video


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 built, 1 the packaged media or the folder is missing."""
    parser = argparse.ArgumentParser(prog="python -m flows.demo", description="Build the sample video.")
    parser.add_argument(
        "--output", type=Path, default=Path("out"), help="folder that receives it (%(default)s)"
    )
    output = parser.parse_args(arguments).output
    try:
        print(build_demo_video(output / "demo.mp4"))
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
