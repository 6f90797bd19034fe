"""Everything that is to be found: each stage starts as soon as those that it builds on have ended."""

from pathlib import Path

from prefect.futures import PrefectFuture, as_completed

from flows.analyze.stages import Stages
from tasks.asset.folder import Asset
from tasks.media.decoded import Decoded
from tasks.stages.chosen import is_chosen, is_wanted
from tasks.stages.options import AnalyzeOptions
from tasks.stages.output import StageOutput
from tasks.stages.registry import STAGES, waves
from tasks.stages.stage import Inputs, Part, Stage


def find(
    stages: Stages, asset: Asset, media: Path, decoded: Decoded, options: AnalyzeOptions
) -> dict[str, StageOutput]:
    """The output of each stage that succeeded. One that cannot start is skipped, and the others go on."""
    waiting = waves()
    running: dict[str, PrefectFuture] = {}
    found: dict[str, StageOutput] = {}
    while waiting or running:
        for stage in list(waiting):
            if not {*running, *(each.name for each in waiting)}.isdisjoint(stage.before):
                continue
            waiting.remove(stage)
            if reason := _why_not(stage, stages, decoded, found, options):
                stages.skip(reason, stage.name)
                continue
            kept = asset.cache / stage.keeps / stages.keys[stage.name]
            task, arguments = stage.call(Inputs(media, decoded, found, options, asset.media, kept))
            # What was made without a stage that failed is made again by the next run.
            whole = all(stages.board.stages[name].state != "failed" for name in stage.before)
            running[stage.name] = stages.submit(stage.name, task, *arguments, keep=whole)
        if running:
            ended = next(as_completed(list(running.values())))
            name = next(name for name, future in running.items() if future is ended)
            if output := stages.collect(running.pop(name)):
                found[name] = output
    stages.sort_models(found[name] for name in STAGES if name in found)
    return found


def stages_for(parts: set[Part], options: AnalyzeOptions) -> list[str]:
    """Those that a medium with these parts has something for."""
    return [
        stage.name for stage in STAGES.values() if is_wanted(stage, options) and parts.issuperset(stage.reads)
    ]


def parts_of(decoded: Decoded) -> set[Part]:
    """What was decoded of the medium."""
    parts: dict[Part, bool] = {"sound": decoded.audio_48k is not None, "picture": bool(decoded.frames)}
    return {part for part, there in parts.items() if there}


def _why_not(
    stage: Stage, stages: Stages, decoded: Decoded, found: dict[str, StageOutput], options: AnalyzeOptions
) -> str | None:
    """The reason why a stage cannot start, for people."""
    if not is_chosen(stage, options):
        return "left out"
    if not stage.wanted(options):
        return stage.unwanted
    if missing := [part for part in stage.reads if part not in parts_of(decoded)]:
        return f"the media has no {' and no '.join(missing)}"
    if lacking := [name for name in stage.needs if name not in found]:
        ended = {"failed": "failed", "skipped": "was skipped"}
        return "it needs " + " and ".join(
            f"{name}, which {ended.get(stages.board.stages[name].state, 'did not end')}" for name in lacking
        )
    return None
