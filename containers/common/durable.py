"""What was written stays when the power fails: contents and names are synced before anything points to them.

A file system may keep a rename and forget what the renamed file held, or the other way round, until both the
file and its folder were synced (fsync(2), rename(2)).
"""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

CANNOT = {errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EBADF}  # folders, on some network file systems


def sync_file(path: Path) -> None:
    """Returns when the content is on the disk. Raises OSError when the disk failed."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Returns when the names in it are on the disk, where its file system can say so."""
    try:
        sync_file(folder)
    except OSError as error:
        if error.errno not in CANNOT:
            raise


def sync_files(paths: Iterable[Path]) -> None:
    """Contents, and then the folders that they lie in."""
    folders = set()
    for path in paths:
        sync_file(path)
        folders.add(path.parent)
    for folder in folders:
        sync_folder(folder)


def sync_tree(folder: Path) -> None:
    """Everything below a folder, and the folder itself."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            sync_file(Path(place, name))
        sync_folder(Path(place))


def make_folder(folder: Path) -> None:
    """As `mkdir -p`; the names of those that it makes are synced."""
    missing = []
    above = folder
    while not above.exists():
        missing.append(above)
        above = above.parent
    if not missing:
        folder.mkdir(exist_ok=True)  # which says so where it is a file
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        sync_folder(each.parent)


def replace(partial: Path, target: Path) -> None:
    """Puts a whole file in another's place: readers, after a power failure too, see the one or the other."""
    sync_file(partial)
    partial.replace(target)
    sync_folder(target.parent)
