"""A recording a row: NVIDIA NeMo's JSONL manifests, and metadata.csv or metadata.jsonl of Hugging Face.

NeMo: https://docs.nvidia.com/nemo-framework/user-guide/latest/nemotoolkit/asr/datasets.html. Hugging Face:
https://huggingface.co/docs/datasets/audio_dataset and image_dataset (AudioFolder, ImageFolder).
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from containers.common.errors import UserError
from tasks.evaluation.importers.common import Imported, Source, mapping, number, read, text_of

TEXTS = ("text", "transcription", "sentence", "transcript", "normalized_text")
LANGUAGES = ("language", "lang", "locale", "source_lang")
SPEAKERS = ("speaker", "speaker_id", "client_id")
SOUNDS = ("sounds", "label", "labels")


def import_nemo(source: Source, path: Path) -> Iterator[Imported]:
    """`audio_filepath`, `text`, `offset`, `duration`, `speaker`, `lang`, `rttm_filepath`, `uem_filepath`."""
    for where, row in source.lines(path):
        media = source.find(_named(row, ("audio_filepath",), where), where)
        item: dict[str, Any] = {"media": str(media)} | _known(row)
        for name, key in (("rttm_filepath", "turns"), ("uem_filepath", "uem")):
            if text_of(row.get(name)):
                item[key] = str(source.find(str(row[name]), where))
        start = number(row.get("offset"), where, 0.0)
        if start:
            item |= {"id": f"{media.name} at {start:g} s", "source": media.name, "start": start}
            if row.get("duration") is not None:
                item["end"] = start + number(row["duration"], where)
        yield Imported(item)


def import_hugging_face(source: Source, path: Path) -> Iterator[Imported]:
    """`file_name` and what is known: text, language, speaker, sounds; of pictures `objects` with `bbox`."""
    rows = source.lines(path) if path.suffix == ".jsonl" else _rows(path)
    for where, row in rows:
        media = source.find(_named(row, ("file_name", "audio", "path", "image"), where), where)
        item: dict[str, Any] = {"media": str(media)} | _known(row)
        if row.get("objects"):
            item["faces"] = list(_faces(mapping(row["objects"], where), where))
        sounds = next((row[name] for name in SOUNDS if row.get(name)), None)
        if "text" not in item and "faces" not in item and sounds:
            given = sounds if isinstance(sounds, list) else str(sounds).split(";")
            item["sounds"] = [str(one).strip() for one in given]
        yield Imported(item)


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        reader = csv.DictReader(io.StringIO(read(path)), delimiter="\t" if path.suffix == ".tsv" else ",")
        for place, row in enumerate(reader, 2):
            yield f"{path.name}, line {place}", row
    except csv.Error as error:
        raise UserError(f"{path.name} cannot be read: {error}.") from None


def _named(row: dict[str, Any], names: tuple[str, ...], where: str) -> str:
    for name in names:
        if found := text_of(row.get(name)):
            return found
    raise UserError(f"{where} has no {names[0]}.")


def _known(row: dict[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = {}
    if (text := next((row[name] for name in TEXTS if isinstance(row.get(name), str)), None)) is not None:
        item["text"] = text
    if language := next((found for name in LANGUAGES if (found := text_of(row.get(name)))), None):
        item["language"] = language.replace("_", "-").split("-")[0].lower()
    if speaker := next((found for name in SPEAKERS if (found := text_of(row.get(name)))), None):
        item["speaker"] = speaker
    return item


def _faces(objects: dict[str, Any], where: str) -> Iterator[dict[str, Any]]:
    boxes, names = objects.get("bbox"), objects.get("categories") or objects.get("category")
    if not isinstance(boxes, list) or (names is not None and not isinstance(names, list)):
        raise UserError(f"{where}: objects have no list of bbox.")
    for place, box in enumerate(boxes):
        person = str(names[place]) if names and place < len(names) else None
        yield {"box": box, "person": person}
