"""Two folders trade names in one step, so that neither name is ever missing."""

import ctypes
import errno
import os
import sys
from pathlib import Path

AT_FDCWD = -100 if sys.platform == "linux" else -2  # "relative to the current folder"
SWAP = 2  # RENAME_EXCHANGE (linux/fs.h) and RENAME_SWAP (sys/stdio.h of macOS) are both 2
UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}


def exchange(first: Path, second: Path) -> None:
    """Swaps what `first` and `second` name; both exist and lie on one file system.

    See renameat2(2) and renameatx_np(2). A file system that cannot (some network ones) gets two renames.
    Raises FileNotFoundError when either is missing.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    rename = libc.renameat2 if sys.platform == "linux" else libc.renameatx_np
    if rename(AT_FDCWD, os.fsencode(first), AT_FDCWD, os.fsencode(second), SWAP) == 0:
        return
    number = ctypes.get_errno()
    if number not in UNSUPPORTED:
        raise OSError(number, os.strerror(number), str(first), None, str(second))
    aside = first.with_name(f"{first.name}.old")
    second.rename(aside)
    first.rename(second)
    aside.rename(first)
