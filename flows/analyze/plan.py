"""Which stages an analysis has, and the key under which each one's result is kept.

A key covers the media's content, the options that matter to the stage, its weights, its code and the keys of
the stages it builds on: when nothing of these changed, the stage is not done again. What only presents the
results has a code of its own: when that changed, files are written anew and no model runs.
"""

from pathlib import Path

from tasks.asset.folder import fingerprint_of
from tasks.media.probe import MediaInfo
from tasks.stages.chosen import is_wanted
from tasks.stages.code import ROOT, code_of
from tasks.stages.options import AnalyzeOptions
from tasks.stages.output import stage_key
from tasks.stages.registry import STAGES

FIRST, LAST = ("decode",), ("check", "index", "publish")  # of every analysis, around what was registered
ALL = (*FIRST, *STAGES, *LAST)


def plan_keys(media: MediaInfo, options: AnalyzeOptions) -> dict[str, str]:
    """Stage name to stage key, of those that the options do not switch off."""
    code = codes()
    keys = {"decode": decode_key(media, options, reads_pictures(options), code["decode"])}
    base = decode_key(media, options, True, code["decode"])  # sound is the same with pictures and without
    for stage in STAGES.values():
        if is_wanted(stage, options):
            made_of = [keys[name] for name in stage.before if name in keys] or [base]
            chosen = options.model_dump(include=stage.in_key, mode="json") | stage.limits()
            models = stage.weights(options)
            keys[stage.name] = stage_key(stage.name, " ".join(made_of), chosen, models, code[stage.name])
    return keys


def decode_key(media: MediaInfo, options: AnalyzeOptions, pictures: bool, code: str = "") -> str:
    """`code`: its hash, where it is at hand."""
    read = options.model_dump(include={"frame_rate", "audio_track", "channels"}, mode="json")
    read |= {"part": options.part, "pictures": pictures}
    return stage_key("decode", media.sha256, read, [], code or codes()["decode"])


def reads_pictures(options: AnalyzeOptions) -> bool:
    """Whether any of the stages that are wanted looks at frames."""
    return any("picture" in stage.reads for stage in STAGES.values() if is_wanted(stage, options))


def codes(root: Path = ROOT) -> dict[str, str]:
    """A hash of each stage's code; `root` is the folder of the project."""
    tasks = root / "tasks"
    places = {
        "decode": [tasks / "media" / "decode.py"],
        **{stage.name: stage.sources(root) for stage in STAGES.values()},
        # With what each stage says of its documents, its rules and its part of the report.
        "check": [tasks / "stages", tasks / "checks"],
        "index": [tasks / "stages" / "index"],
        "publish": [tasks / "stages", tasks / "outputs"],
    }
    return {name: code_of(sources, root) for name, sources in places.items()}


def fingerprint(keys: dict[str, str], options: AnalyzeOptions) -> str:
    """Equal fingerprints: the asset folder would come out the same."""
    code = codes()
    written = {"indexed": str(options.index), "written": options.writing.model_dump_json()}
    return fingerprint_of({**keys, **{name: code[name] for name in LAST}, **written})
