"""`python -m flows.export ASSET... --formats docx,ttml`: subtitles and transcripts anew; no model runs."""

import argparse
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from containers.common.errors import UserError
from flows.analyze.flags import complaint, hyphened, offer
from tasks.asset.bucket import Location, location
from tasks.outputs.writing import WritingOptions


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 everything is written, 1 something cannot be, 2 wrong usage."""
    given = vars(_parser().parse_args(hyphened(sys.argv[1:] if arguments is None else arguments)))
    assets, to = given.pop("asset"), given.pop("to")
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        WritingOptions(**chosen)
    except ValidationError as error:
        print(complaint(error), file=sys.stderr)
        return 1
    return max(_export(asset, to, chosen) for asset in assets)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.export",
        description="Write what was said in finished analyses in other formats, or laid out in another way.",
    )
    parser.add_argument("asset", type=location, nargs="+", help="asset folder, or its s3:// URI")
    parser.add_argument(
        "--to",
        type=Path,
        metavar="FOLDER",
        help="write only these files, below FOLDER/<asset id>; else the asset folder gets them",
    )
    offer(parser, WritingOptions)
    return parser


def _export(asset: Location, to: Path | None, chosen: dict[str, Any]) -> int:
    from tasks.stages.publish.rewrite import rewrite, write_to  # seconds: it imports Prefect

    try:
        if to:
            files = [str(path) for path in write_to(asset, to, chosen)]
        else:
            names = rewrite(asset, chosen).files
            files = [f"{str(asset).rstrip('/')}/{name}" for name in names if name.startswith("transcript.")]
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(files))
    return 0


if __name__ == "__main__":
    sys.exit(main())
