"""Output on S3: asset folders are made on this machine and appear in the bucket with their manifest last.

s3://BUCKET/PREFIX/<asset id>/   what people and programs read; whole while there is a manifest.json
WORK/BUCKET/PREFIX/.cache/       finished stages; WORK is MEDIAFLOW_WORK, else ~/.cache/mediaflow/work
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from containers.common import storage
from tasks.asset.lease import leased

Location = str | Path  # an s3:// URI, or a path on this machine
WRITING = ".writing"
LEASE = 60  # seconds after which a writer that did not renew its turn counts as dead
PATIENCE = 1800  # seconds to wait for writers that live
UPLOADS = 8  # at once


def location(text: str) -> Location:
    """What a person wrote as an argument: an s3:// URI stays as it is, anything else is a path."""
    return text if text.startswith("s3://") else Path(text)


def absolute(place: Location) -> Location:
    """Paths without regard to the current folder; URIs as they are, but for a last slash."""
    if isinstance(place, str) and place.startswith("s3://"):
        return place.rstrip("/")
    return Path(place).absolute()


def is_remote(place: Location) -> bool:
    return str(place).startswith("s3://")


def name_of(place: Location) -> str:
    """The last part, as people name the file."""
    return str(place).rstrip("/").rpartition("/")[2]


def size_of(media: Location) -> int:
    """Bytes."""
    return storage.size(str(media)) if is_remote(media) else Path(media).stat().st_size


@contextmanager
def on_this_machine(media: Location) -> Iterator[Path]:
    """A path to read; what was downloaded for it, with the time it has on S3, is removed afterwards.

    Raises StorageError.
    """
    if not is_remote(media):
        yield Path(media)
        return
    with storage.reading(str(media)) as path:
        written = storage.modified(str(media))
        os.utime(path, (written, written))
        yield path


def work_place(output: Location) -> Path:
    """The folder on this machine below which an analysis into `output` writes."""
    place = absolute(output)
    return work_folder(place) if isinstance(place, str) else place


def work_folder(output: str) -> Path:
    """Where the stages of an s3:// output are kept on this machine. A shared folder serves many machines."""
    given = os.environ.get("MEDIAFLOW_WORK")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = Path(given).absolute() if given else caches / "mediaflow" / "work"
    return root.joinpath(*output.removeprefix("s3://").strip("/").split("/"))


def upload_folder(folder: Path, uri: str, last: str) -> None:
    """Makes `uri` hold what `folder` holds. The file named `last` goes first of all and comes back last.

    So readers who begin with that file see all of the old folder, nothing, or all of the new one; what it
    says of the others (hashes) tells a reader who was slow. Two writers take turns. Raises StorageError.
    """
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    with leased(storage.join(uri, WRITING), LEASE, patience=PATIENCE) as still_ours:
        storage.remove(storage.join(uri, last))
        there = storage.list_sizes(uri)
        with ThreadPoolExecutor(UPLOADS) as pool:
            others = [name for name in files if name != last]
            list(pool.map(lambda name: storage.upload(files[name], storage.join(uri, name)), others))
        for name in set(there) - set(files) - {WRITING}:
            storage.remove(storage.join(uri, name))
        still_ours()
        storage.upload(files[last], storage.join(uri, last))
