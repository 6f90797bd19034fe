"""`python -m flows.evaluate KIND...|compare|starter`: how good a model is, and which of two is better."""

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from containers.common.errors import UserError
from flows.analyze.__main__ import quiet_prefect
from flows.runs.ending import stop_on_signals, stoppable

KINDS = (
    "transcription",
    "diarization",
    "attribution",
    "denoising",
    "tagging",
    "faces",
    "video",
    "search",
    "speed",
)


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 everything was evaluated, 1 something could not be, 2 wrong usage, 130 interrupted."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        if given.what[0] == "compare":
            if len(given.what) < 3:
                parser.error("compare takes the folders of two runs or more")
            from tasks.evaluation.compare import compared_titles
            from tasks.evaluation.run import FinishedRun

            compared_titles(*(FinishedRun.open(folder) for folder in given.what[1:]))
            return _run_flow(lambda: _compare(given))
        if given.what[0] == "score":
            if len(given.what) != 2:
                parser.error("score takes the folder of a run")
            from tasks.evaluation.run import FinishedRun

            FinishedRun.open(given.what[1])
            return _run_flow(lambda: _score(given))
        if given.what == ["history"]:
            from tasks.evaluation.history import write_history

            print(write_history(given.output))
            return 0
        if given.what[0] == "import":
            if len(given.what) != 2:
                parser.error("import takes one file or folder")
            from tasks.evaluation.importers.run import import_dataset

            print(import_dataset(Path(given.what[1]), given.output, given.media))
            return 0
        if given.what[0] == "starter":
            from tasks.evaluation.starter import make_starter

            print(make_starter(given.output))
            return 0
        if unknown := [word for word in given.what if word not in (*KINDS, "all")]:
            parser.error(
                f"'{unknown[0]}' is none of all, {', '.join(KINDS)}, score, compare, history, import, starter"
            )
        if given.data:  # a mistake in it is told before a server is started
            from tasks.evaluation.dataset import read_dataset

            read_dataset(given.data)
        return _run_flow(lambda: _evaluate(given))
    except UserError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.evaluate",
        description="Evaluate models on media whose truth is known; reports in OUTPUT/evaluations.",
        epilog="A data set is a folder with a dataset.toml; notebooks/README.md describes it.",
    )
    parser.add_argument(
        "what",
        nargs="+",
        metavar="WHAT",
        help=f"all, or some of {', '.join(KINDS)}; or `score RUN`: what it found once more, without a model; "
        "or `compare RUN_A RUN_B ...`; or `history`: all runs of OUTPUT over time; or `import PLACE`: a data "
        "set in another form, into OUTPUT; or `starter`: a small data set",
    )
    parser.add_argument(
        "--data", type=Path, help="folder of the data set (OUTPUT/datasets/starter, made if missing)"
    )
    parser.add_argument(
        "--media", type=Path, help="import: the folder of the media, where it is not that of PLACE"
    )
    parser.add_argument("--output", type=Path, default=Path("out"), help="folder for reports (%(default)s)")
    parser.add_argument(
        "--model", default="auto", help="the model: an id of the catalogue, a detector, an index type"
    )
    parser.add_argument(
        "--options",
        type=_object,
        default={},
        metavar="JSON",
        help="options of the analysis, e.g. '{\"beam_size\": 8}'",
    )
    return parser


def _object(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise argparse.ArgumentTypeError(f"'{text}' is no JSON object")
    return given


def _run_flow(run: Callable[[], None]) -> int:
    """With a server of its own, unless one is configured."""
    from flows.server.local import temporary_server, wait_for_server

    quiet_prefect()
    with ExitStack() as started:
        stop_on_signals(started)
        server = started.enter_context(temporary_server())
        wait_for_server(server)
        run()
    return 0


def _evaluate(given: argparse.Namespace) -> None:
    from flows.evaluate.flow import EvaluateOptions, evaluate, teller

    kinds = [] if "all" in given.what else given.what
    options = EvaluateOptions(kinds=kinds, model=given.model, options=given.options)
    console = Console()
    token = teller.set(lambda line: _say(console, line))
    try:
        with console.status("Evaluating; a report for each kind follows"):
            stoppable(evaluate)(given.data, given.output, options)
    finally:
        teller.reset(token)


def _score(given: argparse.Namespace) -> None:
    # Prefect reads where its server is when it is imported: not before there is one.
    from flows.evaluate.flow import score, told

    console = Console()
    with console.status("Scoring"):
        folder = score(Path(given.what[1]), given.data, given.output)
    _say(console, told(folder))


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)


def _compare(given: argparse.Namespace) -> None:
    from flows.evaluate.flow import compare

    console = Console()
    with console.status("Comparing"):
        first, second, *more = map(Path, given.what[1:])
        folder = stoppable(compare)(first, second, given.output, more)
    console.print(
        (folder / "verdict.txt").read_text(encoding="utf-8").strip(), highlight=False, soft_wrap=True
    )
    console.print(f"  {folder / 'report.html'}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
