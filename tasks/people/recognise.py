"""Who is who: appearances to known people by their examples, and the others to groups that can be named."""

from collections.abc import Sequence
from itertools import combinations, groupby
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from containers.facenet.matching import group_people
from tasks.people.appearances import COMPARED, Appearance
from tasks.people.store import People, Person

PINNED = 0.02  # below this distance an appearance is the example itself
MOST_CLUSTERED = 2000  # appearances of up to three vectors in one distance matrix: 290 MB


class Group(NamedTuple):
    """One person's appearances, as far as can be told; the known person where it is one."""

    person: Person | None
    appearances: list[Appearance]

    @property
    def ref(self) -> str:
        """Of a known person the id; of others the appearance that was seen most."""
        if self.person:
            return self.person.id
        return max(self.appearances, key=lambda appearance: appearance.seen).ref


class Recognised(NamedTuple):
    person: Person
    distance: float


def recognise(appearances: Sequence[Appearance], people: People) -> dict[int, Recognised]:
    """Position of an appearance to the known person it is, where it is one.

    The nearest example decides, if it is within the model's limit. Of several appearances at the same time
    only the nearest can be a person, unless it was said of each that it is.
    """
    found: dict[int, Recognised] = {}
    for model in COMPARED:
        own = [number for number, appearance in enumerate(appearances) if appearance.model == model]
        known = [(person, person.vectors(model)) for person in people.people]
        known = [(person, vectors) for person, vectors in known if len(vectors)]
        if own and known:
            nearest = _nearest([appearances[number] for number in own], known, model)
            found |= _without_doubles(appearances, own, nearest, [person for person, _ in known], model)
    return found


def _nearest(appearances: list[Appearance], known: list[tuple[Person, np.ndarray]], model: str) -> np.ndarray:
    """(appearances, people): the distance to each person's nearest example."""
    vectors = np.array([appearance.vector for appearance in appearances])
    return np.stack([cdist(vectors, examples, COMPARED[model].name).min(1) for _, examples in known], axis=1)


def _without_doubles(
    appearances: Sequence[Appearance], own: list[int], nearest: np.ndarray, people: list[Person], model: str
) -> dict[int, Recognised]:
    found: dict[int, Recognised] = {}
    holders: dict[tuple[str, str], list[Appearance]] = {}
    best = nearest.min(1)
    for row in np.argsort(best, kind="stable"):
        if best[row] > COMPARED[model].threshold:
            break
        person = people[int(nearest[row].argmin())]
        appearance = appearances[own[row]]
        beside = holders.setdefault((person.id, appearance.asset), [])
        if best[row] > PINNED and any(appearance.together_with(other) for other in beside):
            continue
        beside.append(appearance)
        found[own[row]] = Recognised(person, float(best[row]))
    return found


def group(appearances: Sequence[Appearance], people: People) -> list[Group]:
    """Everybody: known people first, then groups of unknown ones, those that were seen most first."""
    found = recognise(appearances, people)
    groups = [Group(person, []) for person in people.people]
    places = {person.id: number for number, person in enumerate(people.people)}
    for number, match in found.items():
        groups[places[match.person.id]].appearances.append(appearances[number])
    unknown: list[Group] = []
    for model in COMPARED:
        rest = [
            appearance
            for number, appearance in enumerate(appearances)
            if appearance.model == model and number not in found
        ]
        rest.sort(key=lambda each: (-each.seen, each.asset, each.start, len(each.label), each.label))
        clustered = _cluster(rest[:MOST_CLUSTERED], model)
        unknown += _join_nearest(rest[MOST_CLUSTERED:], clustered, model)
    return groups + sorted(unknown, key=lambda one: -sum(each.seen for each in one.appearances))


def _cluster(appearances: list[Appearance], model: str) -> list[Group]:
    """Average linkage up to the model's limit; appearances at the same time stay apart."""

    def asset_of(number: int) -> str:
        return appearances[number].asset

    apart = [
        pair
        for _, own in groupby(sorted(range(len(appearances)), key=asset_of), key=asset_of)
        for pair in combinations(own, 2)
        if appearances[pair[0]].together_with(appearances[pair[1]])
    ]
    clusters: dict[int, Group] = {}
    numbers = group_people([each.vectors for each in appearances], COMPARED[model], apart)
    for appearance, number in zip(appearances, numbers, strict=True):
        clusters.setdefault(number, Group(None, [])).appearances.append(appearance)
    return list(clusters.values())


def _join_nearest(appearances: list[Appearance], groups: list[Group], model: str) -> list[Group]:
    """The groups with those that one matrix had no room for, each beside the nearest that it can be."""
    if not appearances:
        return groups
    owners = [one for one in groups for _ in one.appearances]
    vectors = np.array([each.vector for one in groups for each in one.appearances])
    alone: list[Group] = []
    for appearance in appearances:
        apart = cdist(appearance.vector[None], vectors, COMPARED[model].name)[0]
        nearest = owners[int(apart.argmin())]
        fits = apart.min() <= COMPARED[model].threshold
        if fits and not any(appearance.together_with(other) for other in nearest.appearances):
            nearest.appearances.append(appearance)
        else:
            alone.append(Group(None, [appearance]))
    return groups + alone
