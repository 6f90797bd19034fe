"""`python -m flows.batch MEDIA... --output DIR`: analyse many files, folders and globs on this machine."""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from containers.common.errors import UserError
from flows.analyze.__main__ import quiet_prefect
from flows.runs.ending import stop_on_signals, stoppable
from flows.settings.load import apply
from tasks.asset.bucket import location
from tasks.media.find import find_noting
from tasks.stages.options import AnalyzeOptions


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 every file is complete, 1 some are not, 2 wrong usage, 130 interrupted."""
    chosen = _parser().parse_args(arguments)
    console = Console()
    try:
        apply()
        empty: list[str] = []
        files = [str(file) for file in find_noting(chosen.media, empty.append)]
        for note in empty:
            print(note, file=sys.stderr)
        if not files:
            return 1
        if chosen.at_once < 1:
            raise UserError("--at-once: at least one file at a time.")
        options = AnalyzeOptions.model_validate_json(chosen.options)
        _run(files, options, chosen, console)
    except ValidationError as error:
        first = error.errors()[0]
        why = first["msg"].removeprefix("Value error, ")
        print(f"--options: {': '.join([*map(str, first['loc']), why])}.", file=sys.stderr)
        return 1
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    console.print(f"{len(files)} files are complete in {chosen.output}.", highlight=False, soft_wrap=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.batch", description="Analyse many media files; finished ones are left alone."
    )
    parser.add_argument(
        "media", nargs="+", help="files, folders, globs, s3:// prefixes; @FILE: a list of such, one a line"
    )
    parser.add_argument(
        "--output",
        type=location,
        default=Path("out"),
        help="folder or s3:// prefix of asset folders (%(default)s)",
    )
    parser.add_argument("--at-once", type=int, default=2, help="files analysed side by side (%(default)s)")
    parser.add_argument(
        "--runner", choices=["threads", "dask", "ray"], default="threads", help="(%(default)s)"
    )
    parser.add_argument("--options", default="{}", help="options of analyze, as JSON")
    parser.add_argument("--force", action="store_true", help="do every stage of every file again")
    return parser


def _run(files: list[str], options: AnalyzeOptions, chosen: argparse.Namespace, console: Console) -> None:
    from flows.runs.images import running_images, runtime_of, turn_of
    from flows.server.local import temporary_server, wait_for_server

    quiet_prefect()
    with ExitStack() as started:
        stop_on_signals(started)
        runtime = runtime_of(options)
        started.enter_context(turn_of(runtime))
        server = started.enter_context(temporary_server())
        if runtime == "local":
            started.enter_context(running_images())
        from flows.batch.flow import batch
        from flows.batch.tally import Tally, watch

        status = started.enter_context(console.status("Starting"))

        def show(tally: Tally, news: str) -> None:
            status.update(tally.line)
            console.print(news, highlight=False, markup=False, soft_wrap=True)

        watch(Tally(on_change=show))
        wait_for_server(server)
        stoppable(batch)(files, chosen.output, options, chosen.at_once, chosen.runner, chosen.force)


if __name__ == "__main__":
    sys.exit(main())
