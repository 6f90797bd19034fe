"""One published file onto the disk: resumed where it was cut off, and checked before anybody opens it."""

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from containers.common.errors import UserError
from containers.model_downloader.hashing import Hashing
from containers.model_downloader.remote import Remote
from containers.model_downloader.retry import Transient, retrying
from containers.model_downloader.session import CONNECTIONS
from containers.model_downloader.threads import in_order

OnBlock = Callable[[int, int], None]
BLOCK = 1 << 18
PART = 4 << 20  # bytes that one connection asks for at a time
ROOM = threading.BoundedSemaphore(2 * CONNECTIONS)  # parts in memory, of all files of the process together
LARGEST = 64 << 30  # bytes, of a file whose size nobody states


@dataclass(frozen=True)
class Downloaded:
    path: Path
    sha256: str
    size: int
    movable: bool  # a model file as it is, not an archive that others may need


class _NoRanges(Exception):
    """The server sends the whole file whatever is asked for."""


def download(remote: Remote, folder: Path, on_block: OnBlock) -> Downloaded:
    """The file as `folder`/<its key>; `on_block(n, have)` hears that n bytes moved and how many are there.

    What an interrupted run left behind is continued. A large file is read over several connections; its
    parts are hashed and written in order as they arrive, so that what lies on the disk is always its
    beginning. Raises UserError when the content is not what is published; nothing of it is kept then.
    OSError when it cannot be written; what is there is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / remote.key
    if remote.size is None:
        path.unlink(missing_ok=True)  # nothing says how much of it this is
    resumed = path.exists()
    digest = _receive(remote, path, on_block)
    fault = _fault(remote, digest, path)
    if fault is None:
        return Downloaded(path, digest, path.stat().st_size, not remote.archive)
    path.unlink()
    if resumed:  # a crash may have spoiled what lay there; the server deserves a second look
        return download(remote, folder, on_block)
    raise UserError(
        f"{remote.name} from {remote.host} does not match {fault}; it was thrown away: "
        "fetch it again, and if that does not help, ask its publisher what changed."
    )


def _fault(remote: Remote, digest: str, path: Path) -> str | None:
    if remote.size is not None and path.stat().st_size != remote.size:
        return f"its size of {remote.size} bytes"
    if remote.sha256 and digest != remote.sha256:
        return "its SHA-256"
    if remote.md5 and _md5_of(path) != remote.md5:
        return "its MD5"
    if not digest.startswith(remote.digits):
        return f"the SHA-256 in its name ({remote.digits}...)"
    return None


def _md5_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


class _Growing:
    """The beginning of a file, and the SHA-256 of as much as there is; use it in a `with` statement."""

    def __init__(self, file: IO[bytes], on_block: OnBlock) -> None:
        self.file, self.on_block = file, on_block
        self.have, self._hash = 0, Hashing()
        file.seek(0)
        while block := file.read(BLOCK):
            self._count([block])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hash.end()

    def add(self, blocks: list[bytes]) -> None:
        for block in blocks:
            self.file.write(block)
        self._count(blocks)
        self.on_block(sum(map(len, blocks)), self.have)

    def restart(self) -> None:
        self.file.truncate(0)
        self._hash.end()
        self.have, self._hash = 0, Hashing()

    def digest(self) -> str:
        return self._hash.end()

    def _count(self, blocks: list[bytes]) -> None:
        self.have += sum(map(len, blocks))
        self._hash.add(blocks)


def _receive(remote: Remote, path: Path, on_block: OnBlock) -> str:
    """Continues the file at `path` to its end and returns its SHA-256, hashed on the way."""
    with path.open("a+b") as file, _Growing(file, on_block) as growing:
        if remote.size is not None and remote.size - growing.have > 2 * PART:
            # A server without ranges: what is there stays, and one connection does the rest.
            with suppress(_NoRanges):
                _read_parts(remote, growing, remote.size)
        if remote.size is None or growing.have < remote.size:
            retrying(lambda: _read_on(remote, growing), progress=lambda: growing.have)
        return growing.digest()


def _read_on(remote: Remote, growing: _Growing) -> None:
    """One connection to the end of the file."""
    if remote.size is None:
        growing.restart()
    end = LARGEST if remote.size is None else remote.size
    with remote.read(growing.have, None) as (reader, in_range):
        if growing.have and not in_range:
            growing.restart()
        while growing.have < end:  # a server may send without end
            block = reader.read(min(BLOCK, end - growing.have))
            if not block:
                break
            growing.add([block])
    if remote.size is not None and growing.have < remote.size:
        raise Transient(
            f"{remote.host} did not deliver {remote.name}: it ended after {growing.have} of {remote.size} "
            "bytes; run the same command again, it continues there."
        )


def _read_parts(remote: Remote, growing: _Growing, size: int) -> None:
    """Several connections, a part of the file each."""

    def read(first: int) -> list[bytes]:
        blocks: list[bytes] = []
        have, end = 0, min(first + PART, size)

        def read_rest() -> None:
            nonlocal have
            with remote.read(first + have, end - 1) as (reader, in_range):
                if not in_range:
                    raise _NoRanges
                while first + have < end and (block := reader.read(min(BLOCK, end - first - have))):
                    blocks.append(block)
                    have += len(block)
            if first + have < end:
                raise Transient(
                    f"{remote.host} did not deliver {remote.name}: a part of it ended early; "
                    "run the same command again, it continues there."
                )

        retrying(read_rest, progress=lambda: have)
        return blocks

    for blocks in in_order(read, range(growing.have, size, PART), CONNECTIONS, ROOM):
        growing.add(blocks)
