"""What was removed of one kind, and what is left of it."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, Field


class Freed(BaseModel):
    what: str = Field(description="a kind of leftover, in words")
    removed: int = Field(default=0, description="folders or files")
    freed: int = Field(default=0, description="bytes")
    left: int = Field(default=0, description="bytes of this kind that stay")
    why: str = Field(default="", description="what is removed, in words")

    def remove(self, path: Path) -> None:
        """Counts a file or folder, and removes it."""
        self.freed += bytes_of(path)
        self.removed += 1
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def bytes_of(*places: Path) -> int:
    """Of files and of all below folders; a link counts nothing. What vanishes meanwhile does not either."""
    return sum(_size(path) for place in places for path in _files(place))


def _files(place: Path) -> Iterable[Path]:
    return place.rglob("*") if place.is_dir() and not place.is_symlink() else [place]


def _size(path: Path) -> int:
    try:
        return 0 if path.is_symlink() or path.is_dir() else path.stat().st_size
    except OSError:
        return 0
