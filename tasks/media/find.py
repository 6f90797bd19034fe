"""Which files a person means by a list of files, folders and globs."""

import glob
import mimetypes
from collections.abc import Iterable
from pathlib import Path

from containers.common import storage
from containers.common.errors import MediaError, StorageError
from tasks.asset.bucket import Location, is_remote

# Containers that the platform's table of types may not know.
SUFFIXES = {".flac", ".m4a", ".m4v", ".mka", ".mkv", ".mts", ".mxf", ".ogg", ".opus", ".ts", ".webm"}


def find_media(sources: Iterable[str]) -> list[Path]:
    """Absolute paths, each once, in the order given; inside a folder or glob by name.

    A folder stands for the media files below it (by their suffix; hidden ones are left out), a glob for
    what it matches, and any other name for itself. Raises MediaError when a source stands for nothing.
    """
    found: dict[Path, None] = {}
    for source in sources:
        files = _files(source)
        if not files:
            raise MediaError(f"There is no media at {source}.")
        found |= dict.fromkeys(path.absolute() for path in files)
    return list(found)


def find_everywhere(sources: Iterable[str]) -> list[Location]:
    """The same, where s3:// URIs are sources too: an object, or a prefix for the media objects below it.

    @FILE stands for the sources that a text file lists, one a line; empty lines and # comments are left out.
    """
    found: dict[Location, None] = {}
    for source in (each for given in sources for each in _listed(given)):
        found |= dict.fromkeys(_objects(source) if is_remote(source) else find_media([source]))
    return list(found)


def _listed(source: str) -> list[str]:
    if not source.startswith("@"):
        return [source]
    try:
        lines = Path(source[1:]).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise MediaError(f"The list {source[1:]} cannot be read: {error}.") from None
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _objects(source: str) -> list[str]:
    names = sorted(storage.list_sizes(source))
    media = [name for name in names if is_media(Path(name)) and not _hidden(Path(name), Path())]
    if media:
        return [f"{source.rstrip('/')}/{name}" for name in media]
    try:
        storage.size(source)
    except StorageError:
        raise MediaError(f"There is no media at {source}.") from None
    return [source]


def _files(source: str) -> list[Path]:
    path = Path(source).expanduser()
    if path.is_dir():
        inside = sorted(path.rglob("*"))
        return [file for file in inside if file.is_file() and is_media(file) and not _hidden(file, path)]
    if path.exists():
        return [path]
    if glob.has_magic(source):
        # Path.glob takes no absolute pattern.
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
        return [Path(match) for match in matches if Path(match).is_file()]
    return []


def is_media(path: Path) -> bool:
    """By its suffix."""
    guessed = mimetypes.guess_type(path.name)[0] or ""
    return path.suffix.lower() in SUFFIXES or guessed.startswith(("audio/", "video/"))


def _hidden(path: Path, below: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(below).parts)
