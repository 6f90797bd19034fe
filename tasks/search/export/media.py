"""The media that a moment is of: where it lay when it was analysed, and how fast its pictures go."""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from containers.common import storage
from containers.common.errors import UserError
from containers.common.inside import existing
from tasks.asset.folder import MANIFEST
from tasks.search.question import FoundMoment

FOUND = "found.json"
SOUND_RATE = 25.0  # of timelines of sound alone


class Source(NamedTuple):
    """`place`: a path or s3:// URI, where it is known; `rate`: frames per second; `duration`: seconds, to the
    end of what was analysed; `size`: width and height of its pictures, 0 without any; `audio_track`: what was
    asked for."""

    asset: str
    name: str
    place: str | None
    rate: float
    duration: float
    picture: bool
    size: tuple[int, int]
    audio_track: str | None


def sources_of(output: Path, moments: Iterable[FoundMoment]) -> list[Source]:
    """One for each moment; each manifest is read once. Raises UserError as `source_of`."""
    known: dict[str, Source] = {}
    return [
        known.get(moment.asset) or known.setdefault(moment.asset, source_of(output, moment.asset))
        for moment in moments
    ]


def source_of(output: Path, asset: str) -> Source:
    """Raises UserError when the asset's manifest cannot be read."""
    path = existing(output, asset, MANIFEST)
    try:
        about = json.loads(path.read_bytes()) if path else {}
        media = about["media"]
        rate = float(media.get("frame_rate") or SOUND_RATE)
        name, picture = str(media["name"]), bool(media.get("video_codec"))
        size = (int(media.get("width") or 0), int(media.get("height") or 0))
        place = about.get("source") or _place(output, asset)
        end = float(about.get("start", 0.0)) + float(about["duration"])
        track = (about.get("options") or {}).get("audio_track")
        return Source(asset, name, place, rate, end, picture, size, str(track) if track else None)
    except (ValueError, LookupError, TypeError):
        raise UserError(f"The manifest of {asset} cannot be read: analyse it again.") from None


def _place(output: Path, asset: str) -> str | None:
    path = existing(output / ".cache", asset, FOUND)
    try:
        return str(json.loads(path.read_bytes())["media"]) if path else None
    except (ValueError, LookupError, TypeError):
        return None


@contextmanager
def media_files(sources: Iterable[Source]) -> Iterator[dict[str, Path]]:
    """The very files that were analysed, by their content; those on S3 are fetched for the time being.

    Raises UserError when one is elsewhere or another.
    """
    with ExitStack() as fetched:
        yield {source.asset: _media_file(source, fetched) for source in set(sources)}


def _media_file(source: Source, fetched: ExitStack) -> Path:
    from tasks.media.probe import probe

    if source.place is None:
        raise UserError(f"{source.name} is not on this machine: clips are cut where the media is.")
    remote = source.place.startswith("s3://")
    path = fetched.enter_context(storage.reading(source.place)) if remote else Path(source.place)
    if not path.is_file():
        raise UserError(f"{path} is not there any more: clips are cut from the media that was analysed.")
    if probe(path).asset_id != source.asset:
        raise UserError(f"{path} is another file than the one that was analysed.")
    return path
