"""AudioSet's ontology: what each label belongs to, so that one can ask for animals and get the bark."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from math import inf
from pathlib import Path
from typing import get_args

from containers.common.documents.sounds import Family
from containers.common.errors import UserError

FILE = Path(__file__).with_name("ontology.txt")


@dataclass(frozen=True)
class Class:
    name: str
    parents: tuple[str, ...]  # every class above, the nearest first
    family: Family | None
    is_label: bool  # one of the 527

    @property
    def names(self) -> tuple[str, ...]:
        """Everything one can ask by and be given this class, the most specific first."""
        return (self.name, *self.parents, *([self.family] if self.family else []))


@cache
def classes() -> dict[str, Class]:
    """By name, in the labels' order."""
    families: dict[str, Family | None] = {}
    direct: dict[str, list[str]] = {}
    groups: set[str] = set()
    above: list[str] = []
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        above = above[: len(line) - len(line.lstrip())]
        text, _, family = line.strip().partition(" = ")
        text, *others = text.split(" + ")
        name = text.removesuffix(" *")
        if name != text:
            groups.add(name)
        direct[name] = [*above[-1:], *others]
        families[name] = _family(family) or (families[above[-1]] if above else None)
        above.append(name)
    return {
        name: Class(name, _ancestors(name, direct), families[name], is_label=name not in groups)
        for name in direct
    }


def _ancestors(name: str, direct: dict[str, list[str]]) -> tuple[str, ...]:
    """Generation by generation."""
    found: dict[str, None] = {}
    nearest = direct[name]
    while nearest:
        found |= dict.fromkeys(nearest)
        nearest = [parent for child in nearest for parent in direct[child]]
    return tuple(found)


def class_of(label: str) -> Class:
    """The label's class; a label that the ontology does not have stands alone."""
    return classes().get(label) or Class(label, (), None, is_label=True)


def check_names(names: Iterable[str]) -> None:
    """Raises UserError for a name that is no label, class or family. Case and a plural s do not matter."""
    for name in names:
        if _plain(name) not in _plain_names():
            raise UserError(f"AudioSet has no class '{name}'.")


def canonical_names(names: Iterable[str]) -> list[str]:
    """The names as AudioSet or the list of families writes them. Raises UserError for an unknown one."""
    given = list(names)
    check_names(given)
    return [_plain_names()[_plain(name)] for name in given]


@cache
def _plain_names() -> dict[str, str]:
    """Each name in lower case, and as it is written; a class before a family of the same name."""
    return {name.casefold(): name for name in (*get_args(Family), *classes())}


def _plain(name: str) -> str:
    """`Animals` is how people ask for `Animal`; `Natural sounds` is a name as it is."""
    plain = name.casefold()
    single = plain.removesuffix("s")
    return single if plain not in _plain_names() and single in _plain_names() else plain


def least_scores(
    labels: Iterable[str], threshold: float, thresholds: dict[str, float], only: list[str]
) -> dict[str, float]:
    """What each label has to score: its own threshold, else its nearest parent's, else its family's, else
    `threshold`; infinity for what does not lie below one of the names in `only`, where there are any."""
    chosen = {_plain(name): value for name, value in thresholds.items()}
    wanted = {_plain(name) for name in only}
    least: dict[str, float] = {}
    for label in labels:
        names = [name.casefold() for name in class_of(label).names]
        if wanted and wanted.isdisjoint(names):
            least[label] = inf
        else:
            least[label] = next((chosen[name] for name in names if name in chosen), threshold)
    return least


def _family(name: str) -> Family | None:
    return next((family for family in get_args(Family) if family == name), None)
