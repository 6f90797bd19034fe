"""Which stages an analysis has, and the key under which each one's result is kept.

A key covers the media's content, the options that matter to the stage, its weights, its code and the keys of
the stages it builds on: when nothing of these changed, the stage is not done again.
"""

from tasks.asset.folder import fingerprint_of
from tasks.media.probe import MediaInfo
from tasks.stages.options import AnalyzeOptions
from tasks.stages.output import stage_key
from tasks.stages.registry import STAGES

FIRST, LAST = ("decode",), ("check", "index", "publish")  # of every analysis, around what was registered
ALL = (*FIRST, *STAGES, *LAST)


def plan_keys(media: MediaInfo, options: AnalyzeOptions) -> dict[str, str]:
    """Stage name to stage key, of those that the options do not switch off."""
    frame_rate = options.model_dump(include={"frame_rate"}, mode="json")
    keys = {"decode": stage_key("decode", media.sha256, frame_rate, [], None)}
    for stage in STAGES.values():
        if stage.wanted(options):
            made_of = [keys[name] for name in stage.before if name in keys] or [keys["decode"]]
            chosen = options.model_dump(include=stage.in_key, mode="json")
            weights = stage.weights(options)
            keys[stage.name] = stage_key(stage.name, " ".join(made_of), chosen, weights, stage.image)
    return keys


def fingerprint(keys: dict[str, str], options: AnalyzeOptions) -> str:
    """Equal fingerprints: the asset folder would come out the same."""
    return fingerprint_of({**keys, "index": str(options.index)})
