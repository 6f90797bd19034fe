"""Which files a person means by a list of files, folders and globs, and what is left out and why.

Folders hold what people and machines leave there: pictures, texts, names of any bytes, links in circles,
files that vanish. Nothing of it stops the rest.
"""

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from containers.common import storage
from containers.common.errors import MediaError, NothingThere, StorageError
from tasks.asset.bucket import Location, is_remote
from tasks.media.kinds import kind_of_name, looks_like_media
from tasks.media.patterns import ASSET, MANIFEST, holds_results, matches, walk_once

NO_TEXT = "its name holds bytes that are no UTF-8 text; rename it first"
PICTURE = "a picture: name it to have it analysed"
NO_MEDIA = "no media"
TOLD = 5  # names of files left out that a sentence holds


@dataclass
class Found:
    """What sources stand for; `left_out` is each path, as people can read it, with the reason."""

    media: list[Location] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """What was left out, for people; empty when nothing was."""
        if not self.left_out:
            return ""
        by_reason: dict[str, list[str]] = {}
        for path, reason in self.left_out.items():
            by_reason.setdefault(reason, []).append(Path(path).name)
        parts = []
        for reason, names in by_reason.items():
            more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
            parts.append(f"{', '.join(names[:TOLD])}{more} ({reason})")
        return f"Left out: {'; '.join(parts)}."


def find_media(sources: Iterable[str]) -> list[Path]:
    """Absolute paths, each once, in the order given; inside a folder or glob by name.

    A folder stands for the media files below it, a glob for what it matches, and any other name for itself.
    Raises MediaError when a source stands for nothing.
    """
    return [Path(path) for path in survey(sources).media]


def find_everywhere(sources: Iterable[str]) -> list[Location]:
    """The same, where s3:// URIs are sources too: an object, or a prefix for the media objects below it.

    @FILE stands for the sources that a text file lists, one a line; empty lines and # comments are left out.
    """
    return survey(each for given in sources for each in _listed(given)).media


def find_noting(sources: Iterable[str], note: Callable[[str], object]) -> list[Location]:
    """The same, where an empty folder, glob or prefix is no error: `note` is given a sentence, and one about
    what was left out."""
    found: dict[Location, None] = {}
    left_out: dict[str, str] = {}
    for source in (each for given in sources for each in _listed(given)):
        try:
            surveyed = survey([source])
        except NothingThere as empty:
            note(str(empty))
            continue
        found |= dict.fromkeys(surveyed.media)
        left_out |= surveyed.left_out
    if said := Found([*found], _still(left_out, found)).sentence:
        note(said)
    return list(found)


def survey(sources: Iterable[str]) -> Found:
    """What `sources` stand for, as `find_everywhere` does, and what of it is left out.

    In folders of results nothing is media: an analysis would be analysed.
    """
    found: dict[Location, None] = {}
    left_out: dict[str, str] = {}
    for given in sources:
        for source in _listed(given):
            if is_remote(source):
                places: list[Location] = [*_objects(source, left_out)]
            else:
                places = [*_files(source, left_out)]
            if not places:
                empty = Path(source).expanduser().is_dir() or glob.has_magic(source)
                why = f": {Found(left_out=left_out).sentence}" if left_out else "."
                raise (NothingThere if empty else MediaError)(
                    f"There is no media at {readable(Path(source))}{why}"
                )
            found |= dict.fromkeys(places)
    return Found(list(found), _still(left_out, found))


def _still(left_out: dict[str, str], found: Iterable[Location]) -> dict[str, str]:
    """But for what another source names."""
    named = {str(place) for place in found}
    return {path: reason for path, reason in left_out.items() if path not in named}


def look_below(folder: Path) -> Found:
    """What lies below a folder now, which may be nothing."""
    left_out: dict[str, str] = {}
    return Found([*_below(folder.absolute(), left_out)], left_out)


def _listed(source: str) -> list[str]:
    if not source.startswith("@"):
        return [source]
    try:
        lines = Path(source[1:]).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise MediaError(f"The list {source[1:]} cannot be read: {error}.") from None
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _objects(source: str, left_out: dict[str, str]) -> list[str]:
    names = sorted(storage.list_sizes(source))
    results = {name.rpartition("/")[0] for name in names if _is_manifest(Path(name))}
    media = []
    for name in names:
        place = f"{source.rstrip('/')}/{name}"
        if _hidden(Path(name)) or any(str(parent) in results for parent in Path(name).parents):
            continue
        if is_media(Path(name)):
            media.append(place)
        else:
            left_out[place] = PICTURE if kind_of_name(Path(name)) == "picture" else NO_MEDIA
    if media:
        return media
    try:
        storage.size(source)
    except StorageError:
        kind = MediaError if is_media(Path(source)) else NothingThere  # a name, or a prefix
        why = f": {Found(left_out=left_out).sentence}" if left_out else "."
        raise kind(f"There is no media at {source}{why}") from None
    return [source]


def _files(source: str, left_out: dict[str, str]) -> Iterator[Path]:
    path = Path(source).expanduser().absolute()
    if path.is_dir():
        yield from _below(path, left_out)
    elif os.path.lexists(path):
        if readable(path) == str(path):
            yield path
        else:
            left_out[readable(path)] = NO_TEXT
    elif glob.has_magic(source):
        for match in matches(path):
            if readable(match) != str(match):
                left_out[readable(match)] = NO_TEXT
            elif match.is_file():
                yield match
            elif not match.is_dir():
                left_out[str(match)] = _no_file(match)


def _below(folder: Path, left_out: dict[str, str]) -> Iterator[Path]:
    """Media files by name; links to folders are followed, each folder once."""

    def refused(error: OSError) -> None:
        left_out[readable(Path(os.fsdecode(error.filename or folder)))] = _why(error)

    for place, folders, names in walk_once(folder, refused):
        here = Path(place)
        if holds_results(here, names):
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith("."):
                continue
            file = here / name
            if reason := _reason_against(file):
                left_out[readable(file)] = reason
            else:
                yield file


def _reason_against(file: Path) -> str | None:
    """Why a file in a folder is not to be analysed; None for media."""
    if readable(file) != str(file):
        return NO_TEXT
    try:
        if not file.is_file():
            return _no_file(file)
        kind = kind_of_name(file)
        if kind == "picture":
            return PICTURE
        if kind == "other" or (kind == "unknown" and not looks_like_media(file)):
            return NO_MEDIA
        return None if os.access(file, os.R_OK) else "it may not be read by this user"
    except OSError as error:
        return _why(error)


def _no_file(file: Path) -> str:
    return "it is no file" if file.exists() else "it has gone"


def _why(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "it may not be read by this user"
    if isinstance(error, FileNotFoundError):
        return "it has gone"
    return error.strerror or str(error)


def is_media(path: Path) -> bool:
    """By its name."""
    return kind_of_name(path) == "media"


def readable(path: Path) -> str:
    """The path for people: what is no text in it is replaced."""
    return os.fsencode(path).decode(errors="replace")


def _is_manifest(path: Path) -> bool:
    return path.name == MANIFEST and bool(ASSET.fullmatch(path.parent.name))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
