"""Models of an S3 store on this machine: fetched once, for all its processes, within a limit.

`<cache>/<SHA-256 of the model>/<file name>`. Locks are flock's, which the kernel releases when a process is
killed. Each process holds the models it has opened; others are removed, the least recently opened first.
"""

import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from containers.common.errors import UserError

QUIET = 2.0  # seconds that one waits without a word
PLANNED = ".size"  # bytes the model will have when it is whole
_held: dict[Path, int] = {}  # file descriptors of the locks on models that this process has opened


def cache_folder() -> Path:
    """`MEDIAFLOW_MODEL_CACHE`, or one of this user's own in the folder for temporary files."""
    default = Path(tempfile.gettempdir()) / f"mediaflow-models-{os.getuid()}"
    return Path(os.environ.get("MEDIAFLOW_MODEL_CACHE") or default)


def cache_limit(folder: Path) -> int:
    """Bytes: `MEDIAFLOW_MODEL_CACHE_MB` x 1e6, or three quarters of the disk. Raises UserError."""
    text = os.environ.get("MEDIAFLOW_MODEL_CACHE_MB")
    if not text:
        return shutil.disk_usage(folder).total * 3 // 4
    if not text.isdecimal():
        raise UserError("MEDIAFLOW_MODEL_CACHE_MB is no number of megabytes; correct it or leave it unset.")
    return int(text) * 1_000_000


@contextmanager
def filling(model: str, sha256: str, size: int) -> Iterator[Path]:
    """The model's folder, with room for `size` bytes and for this process to write alone.

    From then on until this process ends nobody removes it. Raises UserError when it does not fit.
    """
    cache = cache_folder()
    try:
        (cache / ".locks").mkdir(parents=True, exist_ok=True, mode=0o700)
        if cache.stat().st_uid != os.getuid():
            raise UserError(f"{cache} belongs to another user; name a folder in MEDIAFLOW_MODEL_CACHE.")
        _hold(cache, model, sha256)
        with _locked(cache / ".locks" / f"{sha256}.fill", f"another process, which fetches model '{model}'"):
            folder = cache / sha256
            with _locked(cache / ".locks" / "room", f"another process, which makes room in {cache}"):
                _make_room(cache, model, sha256, size)
                folder.mkdir(exist_ok=True)
                (folder / PLANNED).write_text(str(size), encoding="ascii")
            for part in folder.rglob(".*.part"):  # of a process that was killed
                part.unlink()
            yield folder
    except OSError as error:
        raise UserError(
            f"The model cache {cache} cannot be written: {error.strerror or error}; "
            "make room or name another folder in MEDIAFLOW_MODEL_CACHE."
        ) from error


def _hold(cache: Path, model: str, sha256: str) -> None:
    """Keeps others from removing the model, and notes when it was opened."""
    path = cache / ".locks" / f"{sha256}.use"
    if path not in _held:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _wait(descriptor, fcntl.LOCK_SH, f"another process, which removes model '{model}' from {cache}")
        _held[path] = descriptor
    os.utime(path)


def release() -> None:
    """Lets go of every model that this process has opened: others may remove them."""
    while _held:
        os.close(_held.popitem()[1])


def _make_room(cache: Path, model: str, sha256: str, size: int) -> None:
    limit = cache_limit(cache)
    others = {
        folder.name: _size(folder)
        for folder in cache.iterdir()
        if folder.name != sha256 and not folder.name.startswith(".")
    }

    def opened(name: str) -> float:
        with suppress(FileNotFoundError):
            return (cache / ".locks" / f"{name}.use").stat().st_mtime
        return 0

    for name in sorted(others, key=opened):
        if sum(others.values()) + size <= limit:
            return
        with _locked(cache / ".locks" / f"{name}.use") as free:
            if free:
                shutil.rmtree(cache / name)
                del others[name]
    if sum(others.values()) + size > limit:
        raise UserError(
            f"Model '{model}' ({size / 1e6:.0f} MB) does not fit into the model cache {cache}, of whose "
            f"{limit / 1e6:.0f} MB {sum(others.values()) / 1e6:.0f} are in use; "
            "set MEDIAFLOW_MODEL_CACHE_MB to more."
        )


def _size(folder: Path) -> int:
    """What it has, or will have when another process is done with it."""
    try:
        return int((folder / PLANNED).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@contextmanager
def _locked(path: Path, what: str | None = None) -> Iterator[bool]:
    """Yields whether this process alone has the lock; with `what` it waits for that, and says so."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if what:
            _wait(descriptor, fcntl.LOCK_EX, what)
        yield bool(what) or _try(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def _wait(descriptor: int, kind: int, what: str) -> None:
    began, told = time.monotonic(), False
    while not _try(descriptor, kind):
        if not told and time.monotonic() > began + QUIET:
            told = True
            print(f"Waiting for {what}.", file=sys.stderr, flush=True)
        time.sleep(0.1)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
