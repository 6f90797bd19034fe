"""Names and URIs that others may have written, followed only where they stay inside one folder.

An output folder, a bucket, a store or a block may be shared: what lies there says where more lies, and must
not lead to another file of whoever reads it.
"""

import os
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator

from containers.common.errors import StorageError


def _one_name(name: str) -> str:
    if name in ("", ".", "..") or any(bad in name for bad in "/\\\0"):
        raise ValueError(f"'{name}' is no name of a file or folder")
    return name


def _relative(path: str) -> str:
    for name in path.split("/"):
        _one_name(name)
    return path


def one_name(name: Any) -> str:
    """`name`, of a file or folder. Raises StorageError when it leads elsewhere."""
    try:
        return _one_name(str(name))
    except ValueError as error:
        raise StorageError(f"{error}.") from None


Name = Annotated[str, AfterValidator(_one_name)]  # of a file or folder
RelativePath = Annotated[str, AfterValidator(_relative)]  # names with / between them


def is_name(name: Any) -> bool:
    """Whether `name` is one of a file or folder, and leads nowhere else."""
    try:
        return isinstance(name, str) and _one_name(name) == name
    except ValueError:
        return False


def inside(folder: Path, *names: str) -> Path:
    """The path of `names` below `folder`. Raises StorageError when it is elsewhere, links followed."""
    try:
        path = folder.joinpath(*names)
        real, top = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    except ValueError:  # a NUL
        path, real, top = folder, Path("/"), folder
    if not real.is_relative_to(top):
        raise StorageError(f"{'/'.join(names)!r} is not inside {folder}, which names it.")
    return path


def existing(folder: Path, *names: str) -> Path | None:
    """The file of `names`, where there is one inside `folder`."""
    try:
        path = inside(folder, *names)
    except StorageError:
        return None
    return path if path.is_file() else None


def check_uris(folder: Path, value: Any) -> None:
    """Looks at every string of a JSON value. Raises StorageError where one is a file:// URI of elsewhere."""
    _check(folder, value, set())


def _check(folder: Path, value: Any, known: set[str]) -> None:
    if isinstance(value, dict):
        for name, each in value.items():
            _check(folder, name, known)
            _check(folder, each, known)
    elif isinstance(value, list):
        for each in value:
            _check(folder, each, known)
    elif isinstance(value, str) and ":" in value and (path := _file_path(value)) is not None:
        above, _, name = path.rpartition("/")
        # One look at each folder: a film has thousands of frames.
        if above in known and name not in (".", "..") and not os.path.islink(path):  # noqa: PTH114
            return
        inside(folder, path)
        known.add(above)


def _file_path(text: str) -> str | None:
    """The path of a file:// URI, read as `storage.local_path` reads it."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return unquote(parts.path) if parts.scheme == "file" else None
