"""Model files out of what was downloaded: only as the catalogue lists them, checked before they appear."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from containers.common import storage
from containers.common.errors import UserError
from containers.common.models.store import ModelFile
from containers.model_downloader.archive import EXPANSION, SMALL, is_inside, open_member
from containers.model_downloader.download import Downloaded

BLOCK = 1 << 20


def unpack(file: ModelFile, got: Mapping[str, Downloaded], folder: Path) -> ModelFile:
    """Writes `folder`/<file name> from its parts and returns it with its size and SHA-256.

    Raises UserError and writes nothing when these are known and others. Paths inside an archive never become
    paths on the disk, and nothing beyond the file's size, or a hundredfold of its archives, is read: neither
    `../` nor a decompression bomb has an effect.
    """
    if not is_inside(file.name):
        raise UserError(f"{file.name!r} is no name for a file of a model; correct the catalogue.")
    whole = got.get(file.parts[0]) if len(file.parts) == 1 else None
    if whole and whole.movable:
        _check(file, whole.sha256)
        with storage.writing(storage.as_uri(folder / file.name)) as partial:
            whole.path.replace(partial)
        return file.model_copy(update={"sha256": whole.sha256, "size": whole.size})
    digest, size, limit = hashlib.sha256(), 0, file.size
    if limit is None:
        limit = max(SMALL, EXPANSION * sum(one.size for one in got.values()))
    with storage.writing(storage.as_uri(folder / file.name)) as partial, partial.open("wb") as target:
        for part in file.parts:
            archive, _, member = part.partition(":")
            if archive not in got:
                raise UserError(
                    f"The catalogue takes {file.name} from {archive}, which is no archive of its model; "
                    "correct its parts."
                )
            with open_member(got[archive].path, archive, member) as source:
                while block := source.read(BLOCK):
                    size += len(block)
                    if size > limit:
                        raise UserError(
                            f"{member} in {archive} is larger than the catalogue says; "
                            "check the entry against its publisher's page."
                        )
                    digest.update(block)
                    target.write(block)
        _check(file, digest.hexdigest())
    return file.model_copy(update={"sha256": digest.hexdigest(), "size": size})


def _check(file: ModelFile, sha256: str) -> None:
    if file.sha256 not in (None, sha256):
        raise UserError(
            f"{file.name} does not match its SHA-256 in the catalogue; it was thrown away: "
            "check the entry against its publisher's page."
        )
