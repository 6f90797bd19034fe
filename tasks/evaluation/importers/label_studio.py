"""Label Studio's JSON export: regions of sound with labels and texts, boxes of pictures.

https://labelstud.io/guide/export#Label-Studio-JSON-format-of-annotated-tasks
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from containers.common.errors import UserError
from tasks.evaluation.importers.common import Imported, Source, mapping, number, parse, read, text_of
from tasks.evaluation.nist import Utterance

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic")


def import_label_studio(source: Source, path: Path) -> Iterator[Imported]:
    """The first annotation of each task that was not cancelled; `labels` of sound are its speakers."""
    tasks = parse(read(path), path.name)
    if not isinstance(tasks, list):
        raise UserError(f"{path.name} is no list of tasks.")
    for place, task in enumerate(tasks, 1):
        where = f"{path.name}, task {place}"
        given = mapping(task, where)
        media = _media(source, mapping(given.get("data"), where), where)
        results = _results(given.get("annotations"), where)
        if results is None:
            continue
        item: dict[str, Any] = {"media": str(media)}
        if media.suffix.lower() in PICTURES:
            yield Imported(item | {"faces": list(_faces(results, where))})
            continue
        said, whole = _said(results, where)
        sounds = [str(name) for one in results for name in _value(one).get("choices") or []]
        item |= {"text": whole} if whole and not said else {}
        yield Imported(item | ({"sounds": sounds} if sounds else {}), said)


def _media(source: Source, data: dict[str, Any], where: str) -> Path:
    """The first value that names a file: uploads have a prefix before their own name."""
    for value in data.values():
        if not isinstance(value, str) or "/" not in value:
            continue
        split = urlsplit(value)
        named = parse_qs(split.query).get("d", [unquote(split.path)])[0]
        plain = re.sub(r"^[0-9a-f]{8}-", "", Path(named).name)
        for name in (named, Path(named).name, plain):
            try:
                return source.find(name, where)
            except UserError:
                continue
        return source.find(plain, where)
    raise UserError(f"{where} names no file.")


def _results(annotations: Any, where: str) -> list[dict[str, Any]] | None:
    for one in annotations if isinstance(annotations, list) else []:
        annotation = mapping(one, where)
        results = annotation.get("result")
        if not annotation.get("was_cancelled") and isinstance(results, list):
            return [mapping(result, where) for result in results]
    return None


def _value(result: dict[str, Any]) -> dict[str, Any]:
    value = result.get("value")
    return value if isinstance(value, dict) else {}


def _said(results: list[dict[str, Any]], where: str) -> tuple[list[Utterance], str]:
    """Regions by their id, each with its label and its text; and the text of the whole recording."""
    regions: dict[str, Utterance] = {}
    whole = []
    for result in results:
        value, name = _value(result), str(result.get("id"))
        text = value.get("text")
        words = " ".join(map(str, text)) if isinstance(text, list) else text_of(text) or ""
        if value.get("start") is None or value.get("end") is None:
            whole += [words] if words else []
            continue
        start, end = number(value["start"], where), number(value["end"], where)
        before = regions.get(name) or Utterance("", start, end)
        labels = value.get("labels")
        speaker = str(labels[0]) if isinstance(labels, list) and labels else before.speaker
        regions[name] = before._replace(text=words or before.text, speaker=speaker)
    return sorted(regions.values(), key=lambda one: one.start or 0.0), " ".join(whole)


def _faces(results: list[dict[str, Any]], where: str) -> Iterator[dict[str, Any]]:
    for result in results:
        value = _value(result)
        if "rectanglelabels" in value or result.get("type") == "rectangle":
            width, height = (number(result.get(f"original_{side}"), where) for side in ("width", "height"))
            sides = (("x", width), ("y", height), ("width", width), ("height", height))
            box = [number(value.get(name), where) / 100 * size for name, size in sides]
            labels = value.get("rectanglelabels")
            yield {"box": box, "person": str(labels[0]) if isinstance(labels, list) and labels else None}
