"""Archives as strangers pack them: what is in one, as far as it may be unpacked."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from containers.common.errors import UserError

EXPANSION = 100  # times its own size is as large as an archive may become
SMALL = 1 << 20  # bytes that every archive may become
MEMBERS = 20_000
HEADER = 1 << 20  # bytes at most that tarfile reads for a header
DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,  # a compression that zipfile lacks
    UnicodeDecodeError,
)
OPENERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}


def list_members(path: Path, archive: str) -> dict[str, str]:
    """Its files: {name, without a folder that holds all of them: name inside the archive}.

    Raises UserError when it carries a link or device, a name that leads out of its folder, or more than
    `EXPANSION` times its own size: nothing of such an archive is unpacked.
    """
    left = max(SMALL, EXPANSION * path.stat().st_size)
    found: dict[PurePosixPath, str] = {}
    with _reading(path, archive) as opened:
        for name, size, plain in _entries(opened):
            left -= size
            inside = PurePosixPath(name)
            if not plain:
                raise UserError(_refusal(archive, f"carries {name!r}, a link or a device"))
            if not is_inside(name):
                raise UserError(_refusal(archive, f"carries {name!r}, which leads out of its folder"))
            if left < 0 or len(found) == MEMBERS:
                raise UserError(_refusal(archive, "unpacks to far more than its own size"))
            found[inside] = name
    tops = {inside.parts[0] for inside in found}
    shared = len(tops) == 1 and all(len(inside.parts) > 1 for inside in found)
    return {
        str(inside.relative_to(inside.parts[0]) if shared else inside): name for inside, name in found.items()
    }


@contextmanager
def open_member(path: Path, archive: str, member: str) -> Iterator[IO[bytes]]:
    """A file of the archive. Raises UserError when it is not there, or when the archive is damaged."""
    with _reading(path, archive) as opened:
        try:
            if isinstance(opened, zipfile.ZipFile):
                source: IO[bytes] | None = opened.open(member)
            else:
                entry = opened.getmember(member)
                source = opened.extractfile(entry) if entry.isfile() else None
        except (KeyError, RuntimeError) as error:  # RuntimeError: it wants a password
            if isinstance(error, NotImplementedError):
                raise
            source = None
        if source is None:
            raise UserError(f"{archive} has no file {member}; correct its parts in the catalogue.")
        with source:
            yield source


def is_inside(name: str) -> bool:
    """Whether a file of this name stays in the folder that it is put into."""
    path = PurePosixPath(name)
    harmless = name.isprintable() and "\\" not in name and path.parts
    return bool(harmless and not path.is_absolute() and ".." not in path.parts)


def _entries(opened: zipfile.ZipFile | tarfile.TarFile) -> Iterable[tuple[str, int, bool]]:
    """(name, size, whether it is an ordinary file) of everything but folders."""
    if isinstance(opened, zipfile.ZipFile):
        for info in opened.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if not info.is_dir():
                yield info.filename, info.file_size, kind in (0, stat.S_IFREG)
        return
    for entry in opened:  # one by one: its size is checked before it is passed over
        if not entry.isdir():
            yield entry.name, entry.size, entry.isfile()


@contextmanager
def _reading(path: Path, archive: str) -> Iterator[zipfile.ZipFile | tarfile.TarFile]:
    try:
        if archive.endswith((".whl", ".zip")):
            with zipfile.ZipFile(path) as opened:
                yield opened
        else:
            with path.open("rb") as file:
                magic = file.read(6)
            opener: Any = next((OPENERS[start] for start in OPENERS if magic.startswith(start)), open)
            with (
                opener(path, "rb") as content,
                tarfile.open(fileobj=cast(IO[bytes], _Headers(content)), mode="r:") as opened,
            ):
                yield opened
    except DAMAGED as error:
        raise UserError(_refusal(archive, "is damaged or not an archive")) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise UserError(_refusal(archive, "is damaged or not an archive")) from error  # so says bz2


class _Headers(io.RawIOBase):
    """A stream from which tarfile cannot be made to read a header of any size into memory."""

    def __init__(self, content: Any) -> None:
        super().__init__()
        self.content = content

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= HEADER:
            raise tarfile.ReadError("a header of this size is no header")
        return self.content.read(size)

    def seek(self, position: int, whence: int = 0, /) -> int:
        return self.content.seek(position, whence)

    def tell(self) -> int:
        return self.content.tell()


def _refusal(archive: str, fault: str) -> str:
    return f"{archive} {fault}, so it is not unpacked; ask its publisher for a sound one."
