"""`python -m flows.analyze MEDIA --output DIR`: analyse one media file on this machine."""

import argparse
import os
import sys
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console

from containers.common.errors import UserError
from flows.analyze.flags import complaint, hyphened, offer
from flows.runs.ending import stop_on_signals, stoppable
from tasks.asset.bucket import Location, absolute, is_remote, location, name_of
from tasks.asset.folder import Asset
from tasks.asset.manifest import Manifest
from tasks.media.probe import probe
from tasks.outputs.writing import WritingOptions
from tasks.stages.chosen import is_wanted
from tasks.stages.common import StageOptions
from tasks.stages.options import AnalyzeOptions
from tasks.stages.registry import STAGES


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 all found, 1 a stage or the whole analysis failed, 2 wrong usage, 130 interrupted."""
    chosen = vars(_parser().parse_args(hyphened(sys.argv[1:] if arguments is None else arguments)))
    media, output, force = chosen.pop("media"), chosen.pop("output"), chosen.pop("force")
    from flows.settings.load import apply  # a third of a second that --help is spared

    try:
        apply()
        options = AnalyzeOptions(**{name: value for name, value in chosen.items() if value is not None})
        return _run(media, output, options, force)
    except ValidationError as error:
        return _complain(complaint(error))
    except UserError as error:
        return _complain(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.analyze",
        description="Analyse one media file: speech, speakers, sounds and faces into a readable folder.",
    )
    parser.add_argument(
        "media", type=location, help="a video or audio file, any container and codec; a path or s3:// URI"
    )
    parser.add_argument(
        "--output",
        type=location,
        default=Path("out"),
        help="folder or s3:// prefix of asset folders (%(default)s)",
    )
    parser.add_argument("--force", action="store_true", help="do every stage again")
    offer(parser, StageOptions)
    for stage in STAGES.values():
        if stage.options is not StageOptions:
            offer(parser.add_argument_group(stage.name, stage.about), stage.options)
    offer(parser.add_argument_group("subtitles", "made anew without a model"), WritingOptions)
    return parser


def _run(media: Location, output: Location, options: AnalyzeOptions, force: bool) -> int:
    from flows.analyze.view import print_summary

    console = Console()
    finished = None if is_remote(media) else _finished(Path(media), output, options, force)
    if finished:
        console.print("Nothing changed since the last run.", highlight=False)
    manifest = finished or _analyze(media, output, options, force, console)
    asset = Asset.at(output, manifest.asset)
    print_summary(asset, manifest, console, name_of(media))
    failed = [stage for stage in manifest.stages if stage.status == "failed"]
    return 1 if failed else 0


def _finished(media: Path, output: Location, options: AnalyzeOptions, force: bool) -> Manifest | None:
    """What an earlier run left, unless `force`. Bad media and output are told before anything is started."""
    from flows.analyze.plan import fingerprint, plan_keys
    from flows.settings.load import load

    info = probe(media, options.audio_track)
    mark = fingerprint(plan_keys(info, options), options)
    asset = Asset.at(output, info.asset_id)
    asset.prepare()
    days = load().results_days
    return None if force else asset.finished(mark, timedelta(days) if days else None)


def _analyze(
    media: Location, output: Location, options: AnalyzeOptions, force: bool, console: Console
) -> Manifest:
    """Runs the flow with a server and workers of its own, started while Prefect is being imported."""
    from flows.runs.images import running_images, runtime_of, turn_of
    from flows.server.local import temporary_server, wait_for_server

    quiet_prefect()
    with ExitStack() as started:
        stop_on_signals(started)
        runtime = runtime_of(options)
        started.enter_context(turn_of(runtime))
        server = started.enter_context(temporary_server())
        if runtime == "local" and (endpoint := started.enter_context(running_images())):
            wanted = [stage for stage in STAGES.values() if is_wanted(stage, options)]
            endpoint.prewarm([stage.image for stage in wanted if stage.prewarm and stage.image])
        from flows.analyze.board import Board, current_board
        from flows.analyze.flow import analyze, manifest_of
        from flows.analyze.view import watching

        board = Board()
        current_board.set(board)
        started.enter_context(watching(board, console))
        wait_for_server(server)
        state = stoppable(analyze)(absolute(media), absolute(output), options, force, return_state=True)
        return manifest_of(state)


def quiet_prefect() -> None:
    """People watch the stages; Prefect's own lines go to its server. Call it before Prefect is imported."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
