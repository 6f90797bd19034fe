"""Files that a pattern with ** stands for: each folder is walked once, whatever links lead to it.

The standard library's `glob` follows a link in a circle as deep as the system lets it, and two for ever.
"""

import fnmatch
import glob
import os
import re
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path

ASSET = re.compile(r"[0-9a-f]{16}")  # a folder of results
MANIFEST = "manifest.json"
ANY_DEPTH = "**"


def matches(pattern: Path) -> list[Path]:
    """What there is of an absolute pattern, sorted; hidden names only where the pattern names them."""
    literal = list(takewhile(lambda part: not glob.has_magic(part), pattern.parts))
    wanted = pattern.parts[len(literal) :]
    if ANY_DEPTH not in wanted:
        return [Path(each) for each in sorted(glob.glob(str(pattern)))]  # noqa: PTH207
    base = Path(*literal)
    hidden = any(part.startswith(".") for part in wanted)
    found = []
    for place, folders, names in walk_once(base):
        if holds_results(Path(place), names):
            folders.clear()
            continue
        folders[:] = [name for name in folders if hidden or not name.startswith(".")]
        found += [Path(place, name) for name in names]
    return sorted(each for each in found if _is_match(each.relative_to(base).parts, wanted))


def holds_results(folder: Path, names: list[str]) -> bool:
    """Whether it is an asset folder, in which nothing is media: an analysis would be analysed."""
    return MANIFEST in names and bool(ASSET.fullmatch(folder.name))


def walk_once(
    folder: Path, refused: Callable[[OSError], object] = lambda error: None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """`os.walk` that follows links and enters no folder twice; `refused` is given an OSError."""
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, onerror=refused, followlinks=True):
        try:
            status = Path(place).stat()
        except OSError as error:
            refused(error)
            folders.clear()
            continue
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        yield place, folders, names


def _is_match(parts: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    if not wanted:
        return not parts
    first, *rest = wanted
    if first == ANY_DEPTH:
        deeper = bool(parts) and not parts[0].startswith(".") and _is_match(parts[1:], wanted)
        return deeper or _is_match(parts, tuple(rest))
    if not parts or (parts[0].startswith(".") and not first.startswith(".")):
        return False
    return fnmatch.fnmatchcase(parts[0], first) and _is_match(parts[1:], tuple(rest))
