"""Which stages an analysis has: those that are asked for by name, with what they are made of."""

from collections.abc import Iterable
from typing import Any

from tasks.stages.registry import STAGES
from tasks.stages.stage import Stage


def is_chosen(stage: Stage, options: Any) -> bool:
    """False where `only` and `skip` leave it out."""
    asked = _with_company(_named(options.only)) if options.only else set(STAGES)
    return stage.name in asked - _named(options.skip)


def is_wanted(stage: Stage, options: Any) -> bool:
    """False where the options leave it out or switch it off."""
    return is_chosen(stage, options) and stage.wanted(options)


def check_names(names: Iterable[str]) -> None:
    """Raises ValueError for a name of no stage and of nothing that stages serve."""
    known = _names()
    for name in names:
        if name not in known:
            raise ValueError(f"'{name}' is no stage; there are {', '.join(known)}")


def _names() -> dict[str, set[str]]:
    """What people may say, and the stages that they mean."""
    found: dict[str, set[str]] = {name: {name} for name in STAGES}
    for stage in STAGES.values():
        if stage.serves:
            found.setdefault(stage.serves, set()).add(stage.name)
    return found


def _named(given: Iterable[str]) -> set[str]:
    return {stage for name in given for stage in _names()[name]}


def _with_company(names: set[str]) -> set[str]:
    """With the stages that they are made of, and those that serve nothing but join what is there."""
    waiting, found = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting += STAGES[name].needs
    joining = {stage.name for stage in STAGES.values() if stage.needs and not stage.serves}
    return found | {name for name in joining if found.issuperset(STAGES[name].needs)}
