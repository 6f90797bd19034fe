"""Where an output lies, and where on this machine what is searched of it. Light: a search begins with it."""

from collections.abc import Callable
from pathlib import Path

Location = str | Path  # an s3:// URI, or a path on this machine


def on_this_machine(output: Location, say: Callable[[str], object]) -> tuple[Path, str | None]:
    """A folder that has what is searched, and for an output on S3 its URI. Raises StorageError."""
    if not str(output).startswith("s3://"):
        return Path(output).absolute(), None
    from tasks.words.remote import mirror

    uri = str(output).rstrip("/")
    return mirror(uri, say), uri
