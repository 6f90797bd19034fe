"""Files that hold a secret: this user alone reads them."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Only this user can read it, from the beginning. Raises OSError."""
    path.unlink(missing_ok=True)
    with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        stream.write(text)


def read_private(path: Path) -> str | None:
    """None where there is none, or where others could have written or read it."""
    try:
        with path.open(encoding="utf-8") as stream:
            status = os.fstat(stream.fileno())
            if status.st_uid != os.getuid() or status.st_mode & 0o077:
                return None
            return stream.read().strip() or None
    except OSError:
        return None
