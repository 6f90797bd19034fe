"""`python -m flows.reindex OUT`: bring the search indexes of an output folder up to date, or go back."""

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError
from rich.console import Console

from containers.common.errors import UserError
from flows.analyze.__main__ import quiet_prefect
from flows.runs.ending import stop_on_signals, stoppable
from flows.settings.load import apply
from tasks.asset.bucket import Location, absolute, location
from tasks.index.ask import SEARCHES
from tasks.index.options import ReindexOptions

if TYPE_CHECKING:
    from flows.reindex.flow import Outcome


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 all indexes are up to date, 1 one is not, 2 wrong usage, 130 interrupted."""
    chosen = vars(_parser().parse_args(arguments))
    output, rollback = chosen.pop("output"), chosen.pop("rollback")
    try:
        apply()
        options = ReindexOptions(**{name: value for name, value in chosen.items() if value is not None})
        if rollback:
            return _roll_back(output, options, rollback)
        # In a nightly run that is nothing to do; whoever types it has mistyped it.
        if isinstance(output, Path) and not output.is_dir():
            raise UserError(f"There is no folder {output}.")
        _run(output, options)
    except ValidationError as error:
        first = error.errors()[0]
        print(f"{', '.join(f'--{name}' for name in first['loc'])}: {first['msg']}.", file=sys.stderr)
        return 1
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.reindex",
        description="Make the search indexes hold exactly what lies below the output folder.",
    )
    parser.add_argument("output", type=location, help="folder or s3:// prefix of asset folders")
    parser.add_argument("--index", help="folder or s3:// prefix of the indexes (OUTPUT/index)")
    parser.add_argument(
        "--model", action="append", dest="models", help="only this model, or `words`; may be repeated"
    )
    parser.add_argument("--type", help="auto, IVF, HNSW or a FAISS factory string (what the index has)")
    parser.add_argument("--memory", type=int, dest="memory_mb", help="MB that auto's index may take")
    parser.add_argument("--recall", type=float, help="recall@10 that a new version needs (0.95)")
    parser.add_argument("--keep", type=int, dest="keep_versions", help="versions kept (3)")
    parser.add_argument(
        "--rebuild", action="store_true", default=None, help="build anew although adding would do"
    )
    parser.add_argument(
        "--rollback", metavar="MODEL", help="make the version before current again; a model's, or `words`"
    )
    return parser


def _roll_back(output: Location, options: ReindexOptions, model: str) -> int:
    from tasks.index.rollback import go_back

    print(go_back(output, model, options))
    return 0


def _run(output: Location, options: ReindexOptions) -> None:
    from flows.runs.images import running_images
    from flows.server.local import temporary_server, wait_for_server

    quiet_prefect()
    console = Console()
    with ExitStack() as started:
        stop_on_signals(started)
        server = started.enter_context(temporary_server())
        endpoint = started.enter_context(running_images())
        if endpoint:
            endpoint.prewarm([SEARCHES])
        from flows.reindex.flow import describe, reindex

        wait_for_server(server)
        state = stoppable(reindex)(str(absolute(output)), options, return_state=True)
        done: list[Outcome] | None = state.result()
        said = [state.message or ""] if done is None else [describe(outcome) for outcome in done]
        for line in said:
            console.print(line, highlight=False, markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
