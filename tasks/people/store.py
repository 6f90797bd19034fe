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
from containers.common.locks import held
from tasks.asset.folder import explain_disk

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
        """By id or by name."""
        return next((person for person in self.people if wanted in (person.id, person.name)), None)

    def add(self, name: str | None = None) -> Person:
        self.made += 1
        person = Person(id=f"p{self.made}", name=name)
        self.people.append(person)
        return person


def people_folder(output: Path) -> Path:
    return output / "people"


def load_people(output: Path) -> People:
    """Nobody, when nobody was ever named. Raises UserError when the file is damaged."""
    path = people_folder(output) / "people.json"
    try:
        content = path.read_bytes()
        if not content.strip(b"\0"):  # forgotten by the disk when the power failed
            before = sorted((people_folder(output) / "history").glob("*.json"))
            content = before[-1].read_bytes() if before else People().model_dump_json().encode()
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

    The file appears whole or stays as it was, and the revision before is kept in `history`.
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


def _write(folder: Path, people: People, before: str) -> None:
    if people.revision:
        name = f"{people.revision:06}.json"
        storage.write_bytes(storage.join(folder, "history", name), before.encode())
    people.revision += 1
    content = json.dumps(people.model_dump(mode="json"), ensure_ascii=False)
    storage.write_bytes(storage.join(folder, "people.json"), content.encode())
    for old in sorted((folder / "history").glob("*.json"))[:-KEPT_REVISIONS]:
        old.unlink()
    used = {example.crop for person in people.people for example in person.examples}
    for crop in (folder / "crops").glob("*.jpg"):
        if crop.name not in used and not _in_history(folder, crop.name):
            crop.unlink()


def _in_history(folder: Path, crop: str) -> bool:
    return any(crop in old.read_text(encoding="utf-8") for old in (folder / "history").glob("*.json"))


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
