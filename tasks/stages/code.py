"""Which code a result depends on: files and all that they import of this project, as one hash.

Imports are read from the sources, those inside functions too, so nothing is loaded to know a key. A module
that is started by its name, which is a string then, counts like an import. What stands under
`if TYPE_CHECKING:` never runs and does not.
"""

import ast
import hashlib
import os
import re
import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
ROOMS = frozenset({"tasks", "containers", "flows", "deployments"})
# Of a folder: what runs, and what it reads beside; not its limits on AWS, which are in image.toml.
DATA = frozenset({".txt", ".j2", ".js", ".css"})
SOURCES = DATA | {".py", ".mjs", ".cjs"}

NAMED = re.compile(rb"""["']((?:%s)(?:\.\w+)+)["']""" % b"|".join(sorted(map(str.encode, ROOMS))))
NOT_OURS = frozenset({"node_modules", "__pycache__"})
# Python 3.11 counts the depth of trees for all threads together and may raise SystemError (seen with 3.11.7):
# https://github.com/python/cpython/issues/106905
_parsing = threading.Lock()


class _Source(NamedTuple):
    digest: bytes
    imports: tuple[str, ...]  # dotted names, of modules or of something in them


def code_of(places: Iterable[Path], root: Path = ROOT) -> str:
    """SHA-256 over files, folders with everything in them, and what these import of the project.

    The same for the same sources, wherever the project lies.
    """
    digest = hashlib.sha256()
    for path in sorted(files_of(places, root)):
        name = path.relative_to(root).as_posix()
        digest.update(name.encode() + b"\0" + _source(path).digest)
    return digest.hexdigest()


def files_of(places: Iterable[Path], root: Path = ROOT) -> set[Path]:
    """The files whose content `code_of` hashes."""
    waiting = [file for place in places for file in _inside(place)]
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        waiting += _data_of(path)
        waiting += [file for name in _source(path).imports for file in _module(root, name)]
    return seen


def _inside(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    for folder, inner, names in os.walk(place):
        inner[:] = [name for name in inner if name not in NOT_OURS]
        yield from (Path(folder, name) for name in names if Path(name).suffix in SOURCES)


def _data_of(path: Path) -> Iterator[Path]:
    """What a module reads that has its name: ontology.txt is ontology.py's."""
    if path.suffix == ".py":
        yield from (data for kind in sorted(DATA) if (data := path.with_suffix(kind)).is_file())


@lru_cache(maxsize=4096)
def _module(root: Path, name: str) -> tuple[Path, ...]:
    """A module's file and those of the packages it is in; `name` may go on to something inside the module."""
    found = []
    place = root
    for part in name.split("."):
        place = place / part
        if (package := place / "__init__.py").is_file():
            found.append(package)
        elif (module := place.with_name(f"{part}.py")).is_file():
            return (*found, module)
    return tuple(found)


def _source(path: Path) -> _Source:
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4096)
def _read(path: Path, changed: int, size: int) -> _Source:
    content = path.read_bytes()
    if path.suffix != ".py":
        return _Source(hashlib.sha256(content).digest(), ())
    named = {name.decode() for name in NAMED.findall(content)}
    with _parsing:
        tree = ast.parse(content)
    return _Source(hashlib.sha256(content).digest(), tuple(sorted(_imports(tree) | named)))


def _imports(tree: ast.Module) -> set[str]:
    """Dotted names of the project's that are imported anywhere in a file."""
    found: set[str] = set()
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += _statements_in(node)
    return {name for name in found if name.partition(".")[0] in ROOMS}


def _statements_in(node: ast.AST) -> Iterator[ast.stmt]:
    """The next ones below, without a look at expressions: an import is never inside one."""
    for block in ("body", "orelse", "finalbody"):
        yield from getattr(node, block, ())
    for branch in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield from branch.body
