"""What a version on S3 needs beyond one on disk: a name nobody else has, an upload, a careful clearing up."""

import time
from pathlib import Path

from containers.common import storage

CLAIM = "claim"
ABANDONED = 24 * 3600  # seconds after which an unfinished version's writer is taken for dead
FILES = ("index.faiss", "rows.arrow", "parts.parquet", "manifest.json", "vectors.f32", CLAIM)


def claim(index_uri: str) -> str:
    """The next version's name, taken by an object that only one writer can create."""
    number = max((int(name[1:]) for name in versions(index_uri)), default=0)
    while True:
        number += 1
        name = f"v{number:06}"
        if storage.replace_tagged(storage.join(index_uri, name, CLAIM), b"", None):
            return name


def versions(index_uri: str) -> list[str]:
    return [name for name in storage.list_folders(index_uri) if name[0] == "v" and name[1:].isdigit()]


def upload(folder: Path, version_uri: str) -> None:
    """Puts a draft's files at `version_uri`, the manifest last."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == "manifest.json"):
        with storage.writing(storage.join(version_uri, path.name)) as target:
            target.hardlink_to(path)


def prune(index_uri: str, names: set[str], needed: set[str]) -> None:
    """Removes versions that are not kept, but of those used by a kept one the vectors stay.

    Another writer may be uploading a version that nobody points to yet: such are left for a day.
    """
    for name in set(versions(index_uri)) - names:
        files = storage.list_names(storage.join(index_uri, name))
        if "manifest.json" not in files and time.time() - max(files.values(), default=0) < ABANDONED:
            continue
        for file in FILES:
            if not (name in needed and file in ("vectors.f32", CLAIM)):
                storage.remove(storage.join(index_uri, name, file))
