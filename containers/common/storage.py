"""Files by URI: `file://` on this machine, `s3://` on AWS (or any endpoint boto3 is told of)."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from containers.common.errors import StorageError


@cache
def _s3():
    import boto3  # costs 0.2 s, and a laptop's runs never need it

    return boto3.client("s3")


def as_uri(location: str | Path) -> str:
    """`s3://` and `file://` stay; a path becomes an absolute `file://` URI."""
    text = str(location)
    return text if text.startswith(("s3://", "file://")) else Path(text).absolute().as_uri()


def join(prefix: str | Path, *names: str) -> str:
    return "/".join([as_uri(prefix).rstrip("/"), *names])


def local_path(uri: str) -> Path | None:
    """The path behind a `file://` URI, or None when the content lives elsewhere."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    if parts.scheme == "s3":
        return None
    raise StorageError(f"'{uri}' is neither a file:// nor an s3:// URI.")


def _bucket_key(uri: str) -> dict[str, str]:
    parts = urlsplit(uri)
    return {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}


@contextmanager
def reading(uri: str) -> Iterator[Path]:
    """A readable path with the content of `uri`; a download is removed afterwards.

    Raises StorageError when there is nothing at `uri`.
    """
    path = local_path(uri)
    if path is not None:
        if not path.is_file():
            raise StorageError(f"There is no file at {path}.")
        yield path
        return
    from botocore.exceptions import BotoCoreError, ClientError

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, Path(urlsplit(uri).path).name)
        try:
            _s3().download_file(**_bucket_key(uri), Filename=str(path))
        except (BotoCoreError, ClientError) as error:
            raise StorageError(f"{uri} cannot be read: {error}.") from error
        yield path


@contextmanager
def writing(uri: str) -> Iterator[Path]:
    """A path to write; its content appears at `uri` at once and whole, or not at all."""
    target = local_path(uri)
    if target is not None:
        partial = target.with_name(f".{target.name}.{os.getpid()}.part{target.suffix}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                yield partial
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{target} cannot be written: {error.strerror or error}.") from error
        return
    from botocore.exceptions import BotoCoreError, ClientError

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, Path(urlsplit(uri).path).name)
        yield path
        try:
            _s3().upload_file(Filename=str(path), **_bucket_key(uri))
        except (BotoCoreError, ClientError) as error:
            raise StorageError(f"{uri} cannot be written: {error}.") from error


def read_bytes(uri: str) -> bytes:
    with reading(uri) as path:
        return path.read_bytes()


def write_bytes(uri: str, content: bytes) -> None:
    with writing(uri) as path:
        path.write_bytes(content)
