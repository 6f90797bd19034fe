"""Data sets for evaluation: media and what is really in them, in a manifest that people write.

A folder holds `dataset.toml`; paths are relative to it. Every item says what it knows, and takes part in the
evaluations that this is enough for:

    name = "meetings of May"

    [[item]]
    media = "monday.mp4"
    group = "phone"              # figures are given for each group too
    language = "en"
    transcript = "monday.stm"    # .txt, .ctm, .srt, .vtt, .TextGrid, .eaf, .json; or text = "Hello."
    turns = "monday.rttm"        # who speaks when; also .TextGrid, .eaf, .vtt, Audacity's labels (.txt)
    sounds = ["speech", "Music"] # what is heard in it, AudioSet's names, ids and families
    source = "call 17"           # cuts or copies of one recording are no independent measurements
    uem = "monday.uem"           # only this is scored; or start = 60, end = 120 in seconds

    [[item]]
    media = "noisy/1.wav"
    clean = "clean/1.wav"        # the same without the noise, sample for sample

    [[item]]
    media = "party.jpg"
    faces = [{ box = [412, 340, 188, 257], person = "Kate" }]  # x, y, width, height in pixels

    [[item]]
    media = "panel.mp4"
    on_screen = "panel.csv"      # faces, who they are and whether they speak, as AVA-ActiveSpeaker writes it

    [[vectors]]
    file = "faces.parquet"       # embeddings.parquet of an analysis, or the same columns
    model = "facenet-vggface2"

`items = "items.jsonl"` names a file with an item in JSON on each line, for manifests that programs write.
"""

import hashlib
import json
import math
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from babel import Locale
from pydantic import AfterValidator, Field, PrivateAttr, ValidationError, model_validator

from containers.common.contract import Contract, Span
from containers.common.documents.speakers import Turn
from containers.common.errors import UserError
from tasks.evaluation.audioset_ids import sound_names
from tasks.evaluation.nist import Utterance, read_uem
from tasks.evaluation.on_screen import OnScreen, read_on_screen
from tasks.evaluation.references import KINDS, read_transcript, read_who_speaks
from tasks.media.probe import probe

MANIFEST = "dataset.toml"
REFERENCES = ("transcript", "turns", "uem", "clean", "on_screen")
Truth = Literal["text", "turns", "speakers", "clean", "sounds", "faces", "on_screen"]
LATE = 0.5  # seconds by which a truth may end after the media, whose length containers round
WHISPERS = {"jw"}  # Whisper's own code of Javanese


def _language(code: str) -> str:
    if code not in WHISPERS and (not code.isalpha() or code not in Locale("en").languages):
        raise ValueError(f"'{code}' is no language code; ko, en or yue is one")
    return code


class MarkedFace(Contract):
    box: tuple[float, float, Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = Field(
        description="x, y, width, height in pixels of the picture, from the hairline to the chin"
    )
    person: str | None = Field(
        default=None,
        description="the same name, the same person; people of different sessions are not compared",
    )


class Item(Contract):
    media: Path
    id: str = Field(default="", description="name in tables; the media's path when not given")
    group: str = "all"
    source: str = Field(
        default="", description="items of one source are drawn together; the item's own id when not given"
    )
    speaker: str | None = Field(default=None, description="who speaks: the source where no other is given")
    language: Annotated[str, AfterValidator(_language)] | None = Field(
        default=None, description="ISO 639-1; chooses the normaliser of words"
    )
    text: str | None = Field(default=None, description="what is said")
    transcript: Path | None = Field(default=None, description=KINDS)
    turns: Path | None = Field(default=None, description="RTTM, TextGrid, EAF or Audacity's labels")
    uem: Path | None = Field(default=None, description="NIST's UEM: what is scored")
    start: float = Field(default=0, ge=0, description="seconds; what comes before is not scored")
    end: float | None = Field(default=None, description="seconds; what comes after is not scored")
    clean: Path | None = None
    sounds: Annotated[list[str], AfterValidator(sound_names)] | None = None
    faces: list[MarkedFace] | None = None
    on_screen: Path | None = Field(
        default=None, description="AVA-ActiveSpeaker's CSV: who is seen, and speaks"
    )
    session: str = Field(default="", description="names of persons hold within one session")

    @model_validator(mode="after")
    def _one_text(self) -> Self:
        if self.text is not None and self.transcript is not None:
            raise ValueError("text and transcript are both given")
        if self.end is not None and self.end <= self.start:
            raise ValueError("end is not later than start")
        return self

    def has(self, truth: Truth) -> bool:
        if truth == "text":
            return self.text is not None or self.transcript is not None
        if truth == "speakers":
            named = {said.speaker for said in self.utterances() if not said.ignored} - {None}
            return len(named) > 1
        return getattr(self, truth) is not None

    def utterances(self) -> list[Utterance]:
        """What is said, with times where the reference has some. Raises UserError."""
        if self.transcript is not None:
            return read_transcript(self.transcript, self.media.stem)
        return [Utterance(self.text or "", None, None)]

    def true_turns(self) -> list[Turn]:
        """Who speaks when. Raises UserError."""
        assert self.turns is not None
        return read_who_speaks(self.turns, self.media.stem)

    def seen(self) -> OnScreen:
        """Who is seen when. Raises UserError."""
        assert self.on_screen is not None
        return read_on_screen(self.on_screen, self.media.stem)

    def scored(self) -> list[Span] | None:
        """Spans outside of which nothing counts; None where everything does. Raises UserError."""
        given = read_uem(self.uem, self.media.stem) if self.uem else [Span(start=0, end=math.inf)]
        end = math.inf if self.end is None else self.end
        cut = [Span(start=max(one.start, self.start), end=min(one.end, end)) for one in given]
        if self.uem is None and not self.start and self.end is None:
            return None
        return [one for one in cut if one.end > one.start]


class VectorSet(Contract):
    file: Path
    model: str = Field(description="only rows of this model")
    queries: int = Field(default=200, ge=1, description="rows that are taken out and searched for")


class Dataset(Contract):
    name: str = Field(min_length=1)
    description: str = ""
    items: Path | None = None
    item: list[Item] = []
    vectors: list[VectorSet] = []
    _place: Path = PrivateAttr(default=Path())

    @property
    def place(self) -> Path:
        """The manifest that it was read from."""
        return self._place

    def having(self, truth: Truth) -> list[Item]:
        return [item for item in self.item if item.has(truth)]

    @property
    def digest(self) -> str:
        """The same digest: the same items with the same truth, wherever the folder lies."""
        kept = [item.model_dump(mode="json") | {"media": item.id, **_content(item)} for item in self.item]
        kept += [{**each.model_dump(mode="json"), "file": _hash(each.file)} for each in self.vectors]
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def read_dataset(place: Path) -> Dataset:
    """The data set of a folder or a manifest. Every file it names is there, every reference can be read.

    Raises UserError with one sentence that names the manifest, the item and what is wrong.
    """
    path = place if place.suffix == ".toml" else place / MANIFEST
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
        dataset = Dataset.model_validate(given)
        if dataset.items:
            dataset.item += _read_lines(path.parent / dataset.items)
    except FileNotFoundError as error:
        raise UserError(f"There is no data set: {error.filename} does not exist.") from None
    except ValidationError as error:
        raise UserError(f"{path}: {_first(error)}.") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {str(error).splitlines()[0]}.") from None
    dataset._place = path.absolute()
    for number, item in enumerate(dataset.item, 1):
        item.id = item.id or item.media.as_posix()
        item.session = item.session or item.id
        item.source = item.source or item.speaker or item.id
        try:
            _complete(item, path.parent)
        except UserError as error:
            raise UserError(f"{path}: item {number} ({item.id}): {error}") from None
    for vectors in dataset.vectors:
        vectors.file = _found(path.parent, vectors.file)
    _check_ids(dataset, path)
    return dataset


def _complete(item: Item, folder: Path) -> None:
    """Paths become absolute; references are read once, so that a mistake shows before any model runs."""
    item.media = _found(folder, item.media)
    for name in REFERENCES:
        if (path := getattr(item, name)) is not None:
            setattr(item, name, _found(folder, path))
    lasts = _last_seconds(item)
    scored = item.scored()
    if scored == []:
        raise UserError("nothing of it is scored: uem, start and end leave nothing.")
    if not lasts and scored is None:
        return
    length = probe(item.media).duration
    for what, last in lasts.items():
        if length and last > length + LATE:
            raise UserError(f"{what} up to {last:.1f} s of {length:.1f} s of media.")
    if length and scored and scored[0].start >= length:
        raise UserError(f"nothing of it is scored: it begins at {scored[0].start:.1f} s of {length:.1f} s.")


def _last_seconds(item: Item) -> dict[str, float]:
    """Of each reference with times its last second, by what is said of it: others' truth reaches out."""
    lasts: dict[str, list[float]] = {}
    if item.transcript:
        said = [one for one in item.utterances() if not one.ignored]  # gaps are ignored up to anywhere
        lasts[f"{item.transcript.name} has words"] = [one.end for one in said if one.end is not None]
    if item.turns:
        lasts[f"{item.turns.name} has turns"] = [turn.end for turn in item.true_turns()]
    if item.on_screen:
        lasts[f"{item.on_screen.name} has faces"] = list(item.seen())
    return {what: max(seconds) for what, seconds in lasts.items() if seconds}


def _found(folder: Path, path: Path) -> Path:
    if not (folder / path).is_file():
        raise UserError(f"there is no file {folder / path}.")
    return (folder / path).absolute()


def _check_ids(dataset: Dataset, path: Path) -> None:
    if not dataset.item and not dataset.vectors:
        raise UserError(f"{path} has no item: write [[item]] with media = and what is known of it.")
    ids = [item.id for item in dataset.item]
    if twice := sorted({each for each in ids if ids.count(each) > 1}):
        raise UserError(f"{path}: the id '{twice[0]}' occurs twice; give these items an id of their own.")


def _read_lines(path: Path) -> list[Item]:
    items = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                items.append(Item.model_validate_json(line))
            except ValidationError as error:
                raise UserError(f"{path.name}, line {number}: {_first(error)}.") from None
    return items


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    place = [str(part + 1) if isinstance(part, int) else part for part in first["loc"]]
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{' '.join(place)}: {message[0].lower()}{message[1:]}" if place else message


def _content(item: Item) -> dict[str, Any]:
    named = {name: getattr(item, name) for name in REFERENCES}
    return {name: _hash(path) for name, path in named.items() if path} | {"bytes": _hash(item.media)}


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
