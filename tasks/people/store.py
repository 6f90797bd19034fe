"""`OUT/people/people.json`: who has been named, merged and split, by examples of their faces and voices.

A person is the set of their examples. Two examples of one person must go together and two of different
people must not: so merges and splits hold for whatever is analysed later, and for an index built anew.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from containers.common import storage
from containers.common.durable import make_folder
from containers.common.errors import UserError
from containers.common.formats import refuse_newer
from containers.common.locks import held
from tasks.asset.folder import explain_disk

FORMAT = 1  # of the file; a newer one is refused
MOST_EXAMPLES = 64  # of one person and model: those that differ most
KEPT_REVISIONS = 20
Kind = Literal["face", "voice"]


class Example(BaseModel):
    """One appearance that a person has said, or agreed, belongs to somebody."""

    kind: Kind
    model: str = Field(description="the embedding model; vectors of different models are never compared")
    vector: list[float]
    asset: str
    label: str = Field(description="which appearance of the asset: face3, SPEAKER_00")
    crop: str | None = Field(
        default=None, description="file in `crops` beside, so that it can be embedded anew"
    )


class Person(BaseModel):
    id: str
    name: str | None = None
    hidden: bool = Field(default=False, description="left out of lists and reports")
    examples: list[Example] = []

    def vectors(self, model: str) -> np.ndarray:
        """(examples, dimension) of one model; empty where the person has none."""
        return np.array([example.vector for example in self.examples if example.model == model])


class People(BaseModel):
    """Everybody known below one output folder."""

    version: Literal[1] = 1
    revision: int = 0
    made: int = Field(default=0, description="people ever added: an id is never given twice")
    people: list[Person] = []

    def find(self, wanted: str) -> Person | None:
        """By id or by name; `id:p2` and `name:p2` where somebody's name is another's id.

        Raises UserError where it could be either.
        """
        by, _, rest = wanted.partition(":")
        if by in ("id", "name") and rest:
            return next((person for person in self.people if getattr(person, by) == rest), None)
        found = [person for person in self.people if wanted in (person.id, person.name)]
        if len(found) > 1:
            raise UserError(f"'{wanted}' is one person's id and another's name: write id: or name: before.")
        return found[0] if found else None

    def named(self, name: str) -> Person | None:
        """Who bears the name; an id is no name."""
        return next((person for person in self.people if person.name == name), None)

    def add(self, name: str | None = None) -> Person:
        self.made += 1
        person = Person(id=f"p{self.made}", name=name)
        self.people.append(person)
        return person


def people_folder(output: Path) -> Path:
    return output / "people"


def load_people(output: Path) -> People:
    """Nobody, when nobody was ever named. Raises UserError when the file is damaged, or a newer version's."""
    path = people_folder(output) / "people.json"
    try:
        content = path.read_bytes()
        if not content.strip(b"\0"):  # forgotten by the disk when the power failed
            before = sorted((people_folder(output) / "history").glob("*.json"))
            content = before[-1].read_bytes() if before else People().model_dump_json().encode()
        refuse_newer(content, str(path), "version", FORMAT)
        return People.model_validate_json(content)
    except FileNotFoundError:
        return People()
    except ValidationError:
        raise UserError(
            f"{path} is damaged: put the newest file of {people_folder(output) / 'history'} in its place."
        ) from None


@contextmanager
def editing_people(output: Path) -> Iterator[People]:
    """The people, to be changed in the block by one writer at a time; written when the block ends well.

    The file appears whole or stays as it was; the revision before is kept in `history`, for `undo`.
    """
    folder = people_folder(output)
    with explain_disk(folder):
        make_folder(folder)
    with held(folder / ".lock", f"whoever else edits {folder}"):
        people = load_people(output)
        before = people.model_dump_json()
        yield people
        for person in people.people:
            person.examples = _most_different(person.examples)
        people.people = [person for person in people.people if person.examples]
        if people.model_dump_json() != before:
            _write(folder, people, before)


def undo(output: Path) -> People:
    """Everybody as they were before the last change; again, as before the one before that.

    Raises UserError when nothing is left to undo.
    """
    folder = people_folder(output)
    if not _history(folder):
        raise UserError("There is nothing to undo.")
    with held(folder / ".lock", f"whoever else edits {folder}"):
        people = load_people(output)
        if not (history := _history(folder)):
            raise UserError("There is nothing to undo.")
        last = history[-1]
        try:
            before = People.model_validate_json(last.read_bytes())
        except ValidationError:
            raise UserError(f"{last} is damaged: remove it to undo what was done before.") from None
        before.revision, before.made = people.revision + 1, max(before.made, people.made)
        _put(folder, before)
        last.unlink()
        _drop_unused_crops(folder)
        return before


def erase(output: Path, person: Person) -> None:
    """Takes a person out of all that is kept of people, earlier revisions too: no undo brings them back.

    Raises UserError when an earlier revision cannot be read.
    """
    folder = people_folder(output)
    with held(folder / ".lock", f"whoever else edits {folder}"):
        people = load_people(output)
        person = next((each for each in people.people if each.id == person.id), person)
        people.people = [each for each in people.people if each.id != person.id]
        present = {each.id for each in people.people}
        revisions: list[tuple[Path, People]] = []
        for path in _history(folder):
            try:
                revisions.append((path, People.model_validate_json(path.read_bytes())))
            except ValidationError:
                raise UserError(f"{path} is damaged: remove it, then forget again.") from None
        known = _vectors_of(person)
        for path, old in reversed(revisions):  # who became part of the person later is found from the end
            for each in list(old.people):
                if each.id not in present and (each.id == person.id or known & _vectors_of(each)):
                    known |= _vectors_of(each)
                    old.people.remove(each)
            storage.write_bytes(storage.as_uri(path), _json(old))
        people.revision += 1
        _put(folder, people)
        _drop_unused_crops(folder)


def _vectors_of(person: Person) -> set[tuple[str, tuple[float, ...]]]:
    return {(example.model, tuple(example.vector)) for example in person.examples}


def _write(folder: Path, people: People, before: str) -> None:
    if people.revision:
        name = f"{people.revision:06}.json"
        storage.write_bytes(storage.join(folder, "history", name), before.encode())
    else:
        storage.write_bytes(storage.join(folder, "history", f"{0:06}.json"), _json(People()))
    people.revision += 1
    _put(folder, people)
    for old in _history(folder)[:-KEPT_REVISIONS]:
        old.unlink()
    _drop_unused_crops(folder)


def _put(folder: Path, people: People) -> None:
    storage.write_bytes(storage.join(folder, "people.json"), _json(people))


def _json(people: People) -> bytes:
    return json.dumps(people.model_dump(mode="json"), ensure_ascii=False).encode()


def _history(folder: Path) -> list[Path]:
    """Earlier revisions, the newest last."""
    return sorted((folder / "history").glob("*.json"))


def _drop_unused_crops(folder: Path) -> None:
    """Those of nobody in any revision."""
    crops = [path for path in (folder / "crops").glob("*") if path.is_file()]
    if not crops:
        return
    texts = [path.read_text(encoding="utf-8") for path in (folder / "people.json", *_history(folder))]
    for crop in crops:
        if not any(crop.name in text for text in texts):
            crop.unlink()


def _most_different(examples: list[Example]) -> list[Example]:
    """At most MOST_EXAMPLES of each model, each kept one the farthest from those kept before it."""
    kept: list[Example] = []
    for model in dict.fromkeys(example.model for example in examples):
        own = list(
            {tuple(example.vector): example for example in examples if example.model == model}.values()
        )
        vectors = np.array([example.vector for example in own])
        chosen = [0]
        nearest = np.linalg.norm(vectors - vectors[0], axis=1)
        while len(chosen) < min(len(own), MOST_EXAMPLES):
            chosen.append(int(nearest.argmax()))
            nearest = np.minimum(nearest, np.linalg.norm(vectors - vectors[chosen[-1]], axis=1))
        kept += [own[number] for number in sorted(chosen)]
    return kept
