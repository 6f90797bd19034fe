"""Files whose SHA-256 this user has computed before: an image that starts need not read 500 MB for it again.

A file counts as the one that was read while inode, size and both times of change are the same; the second is
the system's own, which nobody sets. As in git's index (racy-git), one that was changed a moment before it was
read is not remembered: it may have been changed again within the same tick.
"""

import hashlib
import json
import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from containers.common.private import read_private, write_private

LEAST = 1 << 20  # bytes; less is read as quickly as it is looked up
QUIET = 2e9  # nanoseconds: ticks of file systems are of two seconds at most


def sha256_known(path: Path) -> str:
    """The file's SHA-256, in hexadecimal, without reading it where that is known. Raises OSError."""
    with path.open("rb") as stream:
        before = os.fstat(stream.fileno())
        if before.st_size < LEAST or not stat.S_ISREG(before.st_mode):
            return hashlib.file_digest(stream, "sha256").hexdigest()
        note = _note(path)
        with suppress(ValueError, TypeError):
            seen, digest = json.loads(read_private(note) or "")
            if seen == _state(before):
                return str(digest)
        began = time.time_ns()
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if _state(os.fstat(stream.fileno())) == _state(before) and before.st_ctime_ns + QUIET < began:
            _remember(note, json.dumps([_state(before), digest]))
        return digest


def _state(file: os.stat_result) -> list[int]:
    return [file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns, file.st_ctime_ns]


def _note(path: Path) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "mediaflow" / "checked" / hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]


def _remember(note: Path, text: str) -> None:
    with suppress(OSError):  # where nothing can be kept, as on Lambda, it is computed each time
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        own = note.with_name(f"{note.name}.{os.getpid()}")
        write_private(own, text)
        own.replace(note)
