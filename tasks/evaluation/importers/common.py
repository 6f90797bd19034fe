"""What all importers share: reading what others wrote, finding the media it names, writing the data set."""

import gzip
import json
import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from containers.common.errors import UserError
from tasks.asset.folder import explain_disk
from tasks.evaluation.dataset import MANIFEST, read_dataset
from tasks.evaluation.hypotheses import file_name
from tasks.evaluation.nist import Utterance

MOST = 512 * 2**20  # bytes of one manifest, unpacked
REFERENCES = "references"


class Imported(NamedTuple):
    """An item as `items.jsonl` has it; `said` is written to a file beside it, as STM with RTTM."""

    item: dict[str, Any]
    said: list[Utterance] = []


class Source:
    """The place that is imported, and the folder in which its media are."""

    def __init__(self, place: Path, media: Path | None = None) -> None:
        """Raises UserError when one of them is not there."""
        if not place.exists():
            raise UserError(f"There is no {place}.")
        self.place = place.absolute()
        self.folder = self.place if place.is_dir() else self.place.parent
        self.media = (media or self.folder).resolve()
        if not self.media.is_dir():
            raise UserError(f"There is no folder {media}.")

    def find(self, named: str, where: str) -> Path:
        """The media file that a manifest names: inside the folder of the media, whatever was written.

        Raises UserError that says where it was named.
        """
        for path in self._candidates(named):
            try:
                found = path.resolve()
                if found.is_relative_to(self.media) and found.is_file():
                    return found
            except (OSError, ValueError):
                break
        raise UserError(
            f"{where} names '{_short(named)}', which is not in {self.media}: name their folder by --media."
        )

    def _candidates(self, named: str) -> Iterator[Path]:
        clean = named.removeprefix("file://")
        yield self.folder / clean
        parts = [part for part in Path(clean).parts if part not in ("/", "..")]
        for first in range(len(parts)):  # the manifest was written elsewhere
            yield self.media.joinpath(*parts[first:])
        if parts and len(same := self._by_name.get(parts[-1], [])) == 1:
            yield same[0]

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        """Every file below the folder of the media, where a manifest names no folder."""
        found: dict[str, list[Path]] = {}
        for folder, _, names in os.walk(self.media):
            for name in names:
                found.setdefault(name, []).append(Path(folder, name))
        return found

    def lines(self, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
        """(where, object) of each line of JSON. Raises UserError."""
        for number, line in enumerate(read(path).splitlines(), 1):
            if line.strip():
                where = f"{path.name}, line {number}"
                yield where, mapping(parse(line, where), where)


def read(path: Path) -> str:
    """A text file, also a packed one. Raises UserError."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(MOST + 1)
        if len(data) > MOST:
            raise UserError(f"{path.name} is larger than {MOST // 2**20} MiB.")
        return data.decode("utf-8-sig")
    except (OSError, EOFError, ValueError) as error:
        raise UserError(f"{path.name} cannot be read: {str(error).splitlines()[0]}.") from None


def parse(text: str, where: str) -> Any:
    """JSON. Raises UserError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} is no JSON: {str(error).splitlines()[0]}.") from None


def mapping(given: Any, where: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise UserError(f"{where} is no JSON object.")
    return given


def number(given: Any, where: str, default: float | None = None) -> float:
    """Seconds. Raises UserError for what is no number of them."""
    try:
        value = float(default if given is None or given == "" else given)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        value = float("nan")
    if not 0 <= value < 10**9:
        raise UserError(f"{where}: '{_short(str(given))}' is no number of seconds.")
    return value


def text_of(given: Any) -> str | None:
    return str(given).strip() if isinstance(given, str | int | float) and str(given).strip() else None


def write_dataset(output: Path, name: str, found: list[Imported]) -> Path:
    """Writes `output`/dataset.toml with items.jsonl and references; the data set is read again to be sure.

    Raises UserError when there is nothing in it, something is in the folder already, or it cannot be read.
    """
    if not found:
        raise UserError("Nothing was found that could be evaluated.")
    if (output / MANIFEST).exists():
        raise UserError(f"{output} holds a data set already: choose another --output.")
    items = []
    with explain_disk(output):
        (output / REFERENCES).mkdir(parents=True, exist_ok=True)
        for one in found:
            items.append(one.item | _references(output, one))
        content = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
        (output / "items.jsonl").write_text(content, encoding="utf-8")
        title = json.dumps(" ".join(name.split()) or "imported", ensure_ascii=False)
        (output / MANIFEST).write_text(f'name = {title}\nitems = "items.jsonl"\n', encoding="utf-8")
    try:
        read_dataset(output)
    except UserError:
        (output / MANIFEST).unlink()
        raise
    return output / MANIFEST


def _references(output: Path, one: Imported) -> dict[str, str]:
    """STM of all that is said; RTTM too where everybody who says something is named."""
    said = [each for each in one.said if each.start is not None and each.end is not None]
    if not said:
        return {}
    name = file_name(str(one.item.get("id") or one.item["media"]))
    stm = "".join(
        f"{name} 1 {_token(each.speaker)} {each.start:.3f} {each.end:.3f} {_plain(each.text)}\n"
        for each in said
    )
    (output / REFERENCES / f"{name}.stm").write_text(stm, encoding="utf-8")
    written = {"transcript": f"{REFERENCES}/{name}.stm"}
    turns = [each for each in said if each.end > each.start]  # type: ignore[operator]
    if turns and all(each.speaker for each in said):
        rttm = "".join(
            f"SPEAKER {name} 1 {each.start:.3f} {each.end - each.start:.3f} <NA> <NA> "  # type: ignore[operator]
            f"{_token(each.speaker)} <NA> <NA>\n"
            for each in turns
        )
        (output / REFERENCES / f"{name}.rttm").write_text(rttm, encoding="utf-8")
        written["turns"] = f"{REFERENCES}/{name}.rttm"
    return written


def _token(speaker: str | None) -> str:
    return re.sub(r"\s+", "_", (speaker or "unknown").strip()) or "unknown"


def _plain(text: str) -> str:
    """In STM brackets and braces mean something, as a label at the beginning does."""
    return " ".join(re.sub(r"[{}()<>]", " ", text).split())


def _short(text: str) -> str:
    return "".join(char for char in text[:80] if char.isprintable())
