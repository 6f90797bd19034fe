"""`python -m flows.analyze MEDIA --output DIR`: analyse one media file on this machine."""

import argparse
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console

from containers.common.errors import UserError
from tasks.asset import Asset
from tasks.options import AnalyzeOptions
from tasks.probe import MediaInfo, probe


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 all found, 1 a stage or the whole analysis failed, 2 wrong usage, 130 interrupted."""
    chosen = vars(_parser().parse_args(arguments))
    media, output, force = chosen.pop("media"), chosen.pop("output"), chosen.pop("force")
    try:
        options = AnalyzeOptions(**{name: value for name, value in chosen.items() if value is not None})
        return _run(media, output, options, force)
    except ValidationError as error:
        first = error.errors()[0]
        names = ", ".join(f"--{str(name).replace('_', '-')}" for name in first["loc"])
        return _complain(f"{names + ': ' if names else ''}{first['msg']}.")
    except UserError as error:
        return _complain(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.analyze",
        description="Analyse one media file: speech, speakers, sounds and faces into a readable folder.",
    )
    parser.add_argument("media", type=Path, help="a video or audio file, any container and codec")
    parser.add_argument(
        "--output", type=Path, default=Path("out"), help="folder of asset folders (%(default)s)"
    )
    parser.add_argument("--force", action="store_true", help="do every stage again")
    for name, field in AnalyzeOptions.model_fields.items():
        flag = f"--{name.replace('_', '-')}"
        if field.annotation is bool:
            parser.add_argument(
                flag, action=argparse.BooleanOptionalAction, default=None, help=field.description
            )
        else:
            parser.add_argument(
                flag, metavar="VALUE", help=f"{field.description} ({field.default or 'auto'})"
            )
    return parser


def _run(media: Path, output: Path, options: AnalyzeOptions, force: bool) -> int:
    from flows.analyze.plan import fingerprint, plan_keys
    from flows.analyze.view import print_summary

    console = Console()
    info = probe(media)
    asset = _asset(output, info)
    finished = None if force else asset.finished(fingerprint(plan_keys(info, options), options))
    if finished:
        console.print("Nothing changed since the last run.", highlight=False)
        print_summary(asset, finished, console, media.name)
        return 0
    manifest = _analyze(media, output, options, force, console)
    print_summary(asset, manifest, console, media.name)
    failed = [stage for stage in manifest.stages if stage.status == "failed"]
    return 1 if failed else 0


def _asset(output: Path, info: MediaInfo) -> Asset:
    """The asset's place; writing there is tried before anything is started."""
    asset = Asset(output=output.absolute(), id=info.asset_id)
    asset.prepare()
    return asset


def _analyze(media: Path, output: Path, options: AnalyzeOptions, force: bool, console: Console) -> Any:
    """Runs the flow with a server and workers of its own, started while Prefect is being imported."""
    from flows.images import running_images
    from flows.local_server import temporary_server, wait_for_server

    quiet_prefect()
    with ExitStack() as started:
        stop_on_signals(started)
        server = started.enter_context(temporary_server())
        endpoint = started.enter_context(running_images())
        if endpoint:
            endpoint.prewarm(["whisperx", "pyannote", "faceapi"])
        from flows.analyze.board import Board, current_board
        from flows.analyze.flow import analyze, manifest_of
        from flows.analyze.view import watching

        board = Board()
        current_board.set(board)
        started.enter_context(watching(board, console))
        wait_for_server(server)
        state = analyze(media.absolute(), output.absolute(), options, force, return_state=True)
        return manifest_of(state)


def quiet_prefect() -> None:
    """People watch the stages; Prefect's own lines go to its server. Call it before Prefect is imported."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")


def stop_on_signals(started: ExitStack) -> None:
    """Ctrl-C and SIGTERM end workers and server first: stages waiting for them could not be interrupted."""

    def stop(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        started.close()
        print("Interrupted; the same command continues where this run stopped.", file=sys.stderr, flush=True)
        os._exit(128 + number)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
