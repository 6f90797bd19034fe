"""What the word index holds of an asset, read from its published folder."""

import hashlib
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from containers.common.errors import UserError
from containers.common.inside import existing, inside

if TYPE_CHECKING:
    from tasks.asset.manifest import Manifest


class SaidSegment(NamedTuple):
    """`speaker` is the file's own label, `name` what they are called; times are seconds."""

    start: float
    end: float
    speaker: str | None
    name: str | None
    language: str | None
    text: str


class Span(NamedTuple):
    """A `sound` by its label, somebody on screen (`seen`), or the `picture` at that path of the cache."""

    kind: str
    label: str
    name: str | None
    start: float
    end: float


Dated = Literal["media", "file", "analysis"]


class AssetRows(NamedTuple):
    """`digest` is that of manifest.json, which has those of all other files.

    `made` in seconds of Unix and `day` (2026-01-31) are of the recording, `dated` by what: `media` for the
    camera or whoever wrote its tags, `file` for the file's time, `analysis` where neither is known.
    """

    asset: str
    digest: str
    name: str
    made: float
    day: str
    dated: Dated
    duration: float
    segments: list[SaidSegment]
    spans: list[Span]


def digest_of(manifest: bytes) -> str:
    return hashlib.sha256(manifest).hexdigest()


def read_rows(output: Path, asset: str) -> AssetRows | None:
    """An asset as it is published; without words where it broke a critical rule or is not to be indexed.

    None where there is no manifest. Raises UserError for one that cannot be read.
    """
    from tasks.asset.folder import (
        MANIFEST,
        Asset,
    )  # half a second, which a search of what is indexed is spared

    folder = inside(output, asset)
    try:
        content = inside(output, asset, MANIFEST).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{folder / MANIFEST} cannot be read: {error.strerror}.") from None
    digest = digest_of(content)
    place = Asset(output=output, id=asset)
    manifest = place.manifest()
    if manifest is None:
        raise UserError(f"{folder / MANIFEST} is damaged: analyse {asset} again.")
    segments: list[SaidSegment] = []
    spans: list[Span] = []
    if manifest.options.get("index", True) and not place.blocked(manifest):
        try:
            segments = _segments(_read(folder, "transcript.json"))
            spans = [
                *_sounds(_read(folder, "tags.json")),
                *_seen(_read(folder, "faces.json"), set(manifest.hidden)),
                *_pictures(folder),
            ]
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise UserError(f"The documents of {folder} are damaged ({error}): analyse it again.") from None
    about = (asset, digest, manifest.media.name, *_dated(manifest), manifest.duration)
    return AssetRows(*about, segments, spans)


def _dated(manifest: "Manifest") -> tuple[float, str, Dated]:
    from tasks.media.recorded import FILE

    if recorded := manifest.media.recorded:
        dated: Dated = "file" if recorded.by == FILE else "media"
        return recorded.at.timestamp(), recorded.at.date().isoformat(), dated
    return manifest.created.timestamp(), manifest.created.date().isoformat(), "analysis"


def _seconds(given: Any) -> float:
    if not math.isfinite(seconds := float(given)):
        raise ValueError(f"{given} is no time")
    return seconds


def _text(given: Any) -> str | None:
    """Half a surrogate pair, which JSON may hold and no database, becomes a question mark."""
    if given is not None and not isinstance(given, str):
        raise TypeError(f"{given!r} is no text")
    return given and given.encode("utf-8", "replace").decode("utf-8")


def _span(kind: str, label: Any, name: Any, start: Any, end: Any) -> Span:
    return Span(kind, _text(label) or "", _text(name), _seconds(start), _seconds(end))


def _read(folder: Path, name: str) -> dict[str, Any]:
    path = existing(folder, name)
    return json.loads(path.read_bytes()) if path else {}


def _segments(document: dict[str, Any]) -> list[SaidSegment]:
    names = document.get("names") or {}
    return [
        SaidSegment(
            _seconds(each["start"]),
            _seconds(each["end"]),
            _text(each.get("speaker")),
            _text(names.get(each.get("speaker")) or names.get(each.get("person"))),
            _text(each.get("language") or document.get("language")),
            (_text(each["text"]) or "").strip(),
        )
        for each in document.get("segments", [])
    ]


def _sounds(document: dict[str, Any]) -> list[Span]:
    return [
        _span("sound", each["label"], None, each["start_time"], each["end_time"])
        for each in document.get("predictions", [])
    ]


def _seen(document: dict[str, Any], hidden: set[str]) -> list[Span]:
    return [
        _span("seen", each.get("person") or f"face{each['id']}", each.get("name"), each["start"], each["end"])
        for each in document.get("tracks", [])
        if f"face{each['id']}" not in hidden and not (each.get("unclear") and not each.get("name"))
    ]


def _pictures(folder: Path) -> list[Span]:
    if not existing(folder, "embeddings.parquet"):
        return []
    import pyarrow.parquet as pq

    column = pq.ParquetFile(folder / "embeddings.parquet").read(["metadata"])["metadata"]
    found = [json.loads(text) for text in column.to_pylist() if '"thumbnail"' in text]
    return [
        _span("picture", each["thumbnail"], None, each["time"], each["end"])
        for each in found
        if each.get("kind") == "picture" and each.get("thumbnail")
    ]
