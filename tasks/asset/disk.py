"""What the operating system says about a disk, as one sentence."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from containers.common.errors import StorageError

LEAST_FREE = 16 * 2**20  # bytes: with less than this left, a failed write is a full disk


@contextmanager
def explain_disk(folder: Path) -> Iterator[None]:
    """Turns what the operating system says about `folder` into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageError(f"The disk that holds {folder} is full.") from error
        raise StorageError(f"{folder} cannot be written: {error.strerror or error}.") from error


def disk_is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < LEAST_FREE
