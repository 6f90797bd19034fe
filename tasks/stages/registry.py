"""All stages of an analysis. One more is one more folder, and its line here."""

from importlib import import_module

from tasks.stages.stage import Stage

# As people read them; each after those that it builds on.
FOLDERS = (
    "denoise",
    "transcribe",
    "diarize",
    "tag",
    "detect",
    "embed",
    "look",
    "meaning",
    "link",
)


def _load(folders: tuple[str, ...]) -> dict[str, Stage]:
    """Raises ValueError for a stage that comes before one that it builds on."""
    stages: dict[str, Stage] = {}
    for folder in folders:
        stage: Stage = import_module(f"tasks.stages.{folder}.stage").STAGE
        if missing := [name for name in stage.before if name not in stages]:
            raise ValueError(f"The stage {stage.name} must come after {' and '.join(missing)}.")
        stages[stage.name] = stage
    return stages


STAGES = _load(FOLDERS)


def waves() -> list[Stage]:
    """In the order of starting: those first that wait for no other, then those that wait for these alone."""
    depth: dict[str, int] = {}
    for stage in STAGES.values():
        depth[stage.name] = 1 + max((depth[name] for name in stage.before), default=0)
    return sorted(STAGES.values(), key=lambda stage: depth[stage.name])
