"""What people say about people: this is Kate, these two are one, this one is not her."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from containers.common import storage
from containers.common.errors import UserError
from containers.common.inside import existing
from containers.common.models.store import sha256_of
from tasks.people.appearances import Appearance, read_appearances
from tasks.people.recognise import Group, Told, group, tell
from tasks.people.store import Example, People, Person, editing_people, erase, load_people, people_folder


def list_people(output: Path) -> list[Group]:
    """Everybody below `output`: known people first, then unknown ones, those seen most first."""
    return group(read_appearances(output), load_people(output))


class NameInUse(UserError):
    """Somebody else bears the name: to give it would make one person of the two."""


def everybody(output: Path) -> Told:
    """Everybody below `output`, with the faces that cannot be told."""
    return tell(read_appearances(output), load_people(output))


def name_person(output: Path, ref: str, name: str, merge: bool = False) -> Person:
    """The person that `ref` means is `name` from now on, in every asset, analysed already or not.

    `ref` is a person's id or name, or an appearance's (a1b2c3d4:face3), which stands for its whole group.
    Raises NameInUse where somebody is called so already; with `merge` both are one person then, with the face
    of one and the voice of the other.
    """
    name = name.strip()
    if not name:
        raise UserError("A name needs at least one letter.")
    if name == ref:
        raise UserError(f"'{name}' cannot be named after itself.")
    appearances = read_appearances(output)
    with editing_people(output) as people:
        person = _person(output, people, appearances, ref)
        namesake = people.named(name)
        if namesake and namesake is not person:
            if not merge:
                raise NameInUse(
                    f"Somebody is called '{name}' already ({namesake.id}): `--merge` makes them one person, "
                    "another name keeps them apart."
                )
            _join(people, namesake, person)
            person = namesake
        person.name = name
        return person


def hide_person(output: Path, ref: str, hidden: bool = True) -> Person:
    """Leaves a person out of lists and reports from now on, or takes them in again."""
    appearances = read_appearances(output)
    with editing_people(output) as people:
        person = _person(output, people, appearances, ref)
        person.hidden = hidden
        return person


def merge_people(output: Path, refs: Sequence[str]) -> Person:
    """All of `refs` are one person, with the first name that any of them has."""
    if len(refs) < 2:
        raise UserError("Merging needs at least two people.")
    appearances = read_appearances(output)
    with editing_people(output) as people:
        first, *others = [_person(output, people, appearances, ref) for ref in refs]
        for other in others:
            if other is not first and other in people.people:
                _join(people, first, other)
        return first


def split_person(output: Path, refs: Sequence[str], name: str | None = None) -> Person:
    """The appearances `refs` are one person, called `name`, and not the one that they were taken for.

    Whoever they were taken for stays known by the other appearances. Raises UserError when none is left, and
    NameInUse where somebody else is called so.
    """
    appearances = read_appearances(output)
    with editing_people(output) as people:
        taken = [_appearance(appearances, ref) for ref in refs]
        for whole in group(appearances, people):
            left = [each for each in whole.appearances if each not in taken]
            if len(left) == len(whole.appearances):
                continue
            if not left:
                raise UserError(f"{', '.join(refs)} is all there is of {whole.ref}: name it instead.")
            rest = whole.person or people.add()
            gone = {(each.asset, each.label) for each in taken}
            rest.examples = [each for each in rest.examples if (each.asset, each.label) not in gone]
            rest.examples += _examples(output, left)
        name = name and name.strip()
        if name and (namesake := people.named(name)):
            raise NameInUse(f"Somebody is called '{name}' already ({namesake.id}): take another name.")
        person = people.add(name or None)
        person.examples = _examples(output, taken)
        return person


def forget_person(output: Path, ref: str) -> Person:
    """Removes all that the people hold of the person: name, vectors and pictures, in earlier revisions too.

    It cannot be undone. What assets hold of them goes by `take_out_person`, before.
    """
    person = load_people(output).find(ref)
    if person is None:
        raise UserError(f"Nobody is called '{ref}'.")
    erase(output, person)
    return person


def _person(output: Path, people: People, appearances: Sequence[Appearance], ref: str) -> Person:
    """Who `ref` means, with their present appearances as examples; added where nobody knew them yet."""
    known = people.find(ref)
    wanted = known or _appearance(appearances, ref)
    for found in group(appearances, people):
        if found.person is wanted or wanted in found.appearances:
            person = found.person or people.add()
            person.examples += _examples(output, found.appearances)
            return person
    person = people.add()  # a face that cannot be told, but somebody knows who it is
    person.examples = _examples(output, [cast(Appearance, wanted)])
    return person


def _appearance(appearances: Iterable[Appearance], ref: str) -> Appearance:
    asset, _, label = ref.partition(":")
    found = [each for each in appearances if each.asset.startswith(asset) and each.label == label]
    if not asset or not found:
        raise UserError(f"Nobody is called '{ref}': `python -m flows.people list` shows who there is.")
    if len({each.asset for each in found}) > 1:
        raise UserError(f"'{ref}' is in several assets: write more of the asset's id.")
    return found[0]


def _join(people: People, person: Person, other: Person) -> None:
    person.examples += other.examples
    person.name = person.name or other.name
    people.people.remove(other)


def _examples(output: Path, appearances: Iterable[Appearance]) -> list[Example]:
    return [
        Example(
            kind=each.kind,
            model=each.model,
            vector=each.vector.round(6).tolist(),
            asset=each.asset,
            label=each.label,
            crop=_keep_crop(output, each),
        )
        for each in appearances
    ]


def _keep_crop(output: Path, appearance: Appearance) -> str | None:
    """A copy of the face among the people: another model can embed it when the asset is long gone."""
    if appearance.thumbnail is None:
        return None
    source = existing(output / ".cache", appearance.asset, appearance.thumbnail)
    if source is None:
        return None
    crops = people_folder(output) / "crops"
    target = crops / f"{sha256_of(source)[:24]}.jpg"
    if not target.exists():
        storage.write_bytes(storage.as_uri(target), source.read_bytes())
    return target.name
