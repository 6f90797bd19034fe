"""`python -m flows.demo`: builds the sample video and analyses it."""

import argparse
import sys
from pathlib import Path

from containers.common.errors import UserError
from flows.analyze.__main__ import main as analyze
from tasks.media.demo import build_demo_video


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 all found, 1 the packaged media is missing or a stage failed."""
    parser = argparse.ArgumentParser(prog="python -m flows.demo", description="Analyse a sample video.")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("out"),
        help="folder that receives it and what is found in it (%(default)s)",
    )
    output = parser.parse_args(arguments).output
    try:
        video = output / "demo.mp4"
        if not video.exists():
            print("Building the sample video: real faces and real speech that installed packages carry.")
            build_demo_video(video)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return analyze([str(video), "--output", str(output)])


if __name__ == "__main__":
    sys.exit(main())
