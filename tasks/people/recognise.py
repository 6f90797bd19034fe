"""Who is who: appearances to known people by their examples, and the others to groups that can be named."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from containers.common.models.embeddings import Embedding
from tasks.people.appearances import Appearance, people_models
from tasks.people.matching import NOBODY, group_people
from tasks.people.store import Example, People, Person
from tasks.stages.detect.face_quality import weight_of

PINNED = 0.02  # below this distance an appearance is the example itself
EXAMPLE_WEIGHT = weight_of(0.5)  # of an example, whose quality is not known: that of a good crop
CELLS = 2**23  # distances in memory at once


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

    @property
    def hidden(self) -> bool:
        return self.person is not None and self.person.hidden


class Recognised(NamedTuple):
    """`distance` is that to the person's nearest `example`."""

    person: Person
    distance: float
    example: Example


class Told(NamedTuple):
    """Who there is: known people first, then unknown ones, those seen most first; `unclear` are faces that
    cannot be told; `matches`: position of an appearance to the known person it is.
    """

    groups: list[Group]
    unclear: list[Appearance]
    matches: dict[int, Recognised]


def tell(appearances: Sequence[Appearance], people: People) -> Told:
    """Puts appearances together with each other and with what is known of people.

    Known people's examples take part as what nobody can part from its person; of several appearances at the
    same time only one can be a person, unless it was said of each that it is.
    """
    known = [Group(person, []) for person in people.people]
    unknown: list[Group] = []
    unclear: list[Appearance] = []
    matches: dict[int, Recognised] = {}
    for model, embedding in people_models().items():
        own = [number for number, each in enumerate(appearances) if each.model == model]
        if not own:
            continue
        examples = [
            (at, example)
            for at, person in enumerate(people.people)
            for example in person.examples
            if example.model == model
        ]
        nearest = _Nearest([appearances[number] for number in own], examples, embedding)
        clear = [
            place
            for place, number in enumerate(own)
            if appearances[number].clear or nearest.pinned(place) != NOBODY
        ]
        unclear += [appearances[number] for number in np.delete(own, clear)]
        taken = [appearances[own[place]] for place in clear]
        labels = group_people(
            [*(each.vectors for each in taken), *(np.array([one.vector]) for _, one in examples)],
            embedding,
            list(pairs_together(taken)),
            weights=[*(each.weights for each in taken), *([EXAMPLE_WEIGHT] for _ in examples)],
            owners=[*(nearest.pinned(place) for place in clear), *(at for at, _ in examples)],
        )
        persons = {label: at for label, (at, _) in zip(labels[len(taken) :], examples, strict=True)}
        persons |= {
            label: nearest.pinned(place)
            for label, place in zip(labels, clear, strict=False)
            if nearest.pinned(place) != NOBODY
        }
        groups: dict[int, Group] = {}
        for label, place, appearance in zip(labels, clear, taken, strict=False):
            if (at := persons.get(label)) is None:
                groups.setdefault(label, Group(None, [])).appearances.append(appearance)
            else:
                known[at].appearances.append(appearance)
                matches[own[place]] = nearest.match(place, at, people.people[at])
        unknown += groups.values()
    unknown.sort(key=lambda one: -sum(each.seen for each in one.appearances))
    return Told(known + unknown, unclear, matches)


def recognise(appearances: Sequence[Appearance], people: People) -> dict[int, Recognised]:
    """Position of an appearance to the known person it is, where it is one."""
    return tell(appearances, people).matches if people.people else {}


def group(appearances: Sequence[Appearance], people: People) -> list[Group]:
    """Everybody: known people first, then groups of unknown ones, those that were seen most first."""
    return tell(appearances, people).groups


def pairs_together(appearances: Sequence[Appearance]) -> Iterator[tuple[int, int]]:
    """Positions of every two appearances that are there at once, so that they cannot be the same person."""
    assets: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, each in enumerate(appearances):
        assets[each.asset, each.kind].append(number)
    for (_, kind), own in assets.items():
        there: list[int] = []
        for number in sorted(own, key=lambda number: appearances[number].start):
            if kind == "face":
                there = [one for one in there if appearances[one].end >= appearances[number].start]
            yield from ((one, number) for one in there)
            there.append(number)


class _Nearest:
    """The nearest example of each appearance: of all people, and of one."""

    def __init__(
        self,
        appearances: Sequence[Appearance],
        examples: Sequence[tuple[int, Example]],
        embedding: Embedding,
    ) -> None:
        self._examples, self._embedding = examples, embedding
        self._vectors = np.array([each.vector for each in appearances])
        self._known = np.array([example.vector for _, example in examples])
        self._persons = np.array([at for at, _ in examples])
        self._pinned: NDArray[np.intp] = np.full(len(appearances), NOBODY)
        step = max(1, CELLS // max(1, len(examples)))
        for first in range(0, len(appearances) if examples else 0, step):
            apart = cdist(self._vectors[first : first + step], self._known, self._embedding.metric)
            is_it = apart.min(1) <= PINNED
            self._pinned[first : first + step][is_it] = self._persons[apart.argmin(1)][is_it]

    def pinned(self, place: int) -> int:
        """Whose example the appearance is itself; NOBODY where it is nobody's."""
        return int(self._pinned[place])

    def match(self, place: int, at: int, person: Person) -> Recognised:
        mine = np.flatnonzero(self._persons == at)
        apart = cdist(self._vectors[place][None], self._known[mine], self._embedding.metric)[0]
        best = int(apart.argmin())
        return Recognised(person, float(apart[best]), self._examples[mine[best]][1])
