"""Model files out of archives: only what the catalogue lists, only as large as it says, checked."""

import gzip
import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from containers.common import storage
from containers.common.errors import UserError
from containers.common.models import ModelFile

BLOCK = 1 << 20


def unpack(file: ModelFile, archives: dict[str, Path], folder: Path) -> None:
    """Writes `folder`/<file name> from its parts, or raises UserError and writes nothing.

    Paths inside an archive never become paths on the disk, and nothing beyond the file's known size is
    read, so neither `../` nor a decompression bomb has an effect.
    """
    digest, left = hashlib.sha256(), file.size or 0
    with storage.writing(storage.as_uri(folder / file.name)) as partial, partial.open("wb") as target:
        for part in file.parts:
            archive, _, member = part.partition(":")
            if archive not in archives:
                raise UserError(
                    f"The catalogue takes {file.name} from {archive}, which is no archive of its model."
                )
            with _open_member(archives[archive], archive, member) as source:
                while block := source.read(BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise UserError(f"{member} in {archive} is larger than the catalogue says.")
                    digest.update(block)
                    target.write(block)
        if digest.hexdigest() != file.sha256:
            raise UserError(f"{file.name} does not match its SHA-256 in the catalogue; it was thrown away.")


@contextmanager
def _open_member(path: Path, archive: str, member: str) -> Iterator[IO[bytes]]:
    try:
        if archive.endswith((".whl", ".zip")):
            with zipfile.ZipFile(path) as opened, opened.open(member) as source:
                yield source
        else:
            with tarfile.open(path) as opened:
                source = opened.extractfile(member)
                if source is None:
                    raise KeyError(member)
                with source:
                    yield source
    except KeyError:
        raise UserError(f"{archive} has no file {member}.") from None
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UserError(f"{archive} is damaged or not an archive.") from error
