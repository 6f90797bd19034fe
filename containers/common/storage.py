"""Files by URI: `file://` on this machine, `s3://` on AWS (or any endpoint boto3 is told of)."""

import mimetypes
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from containers.common.durable import make_folder, replace
from containers.common.errors import StorageError
from containers.common.s3 import client as _s3

CUT = 3  # times that a small object may be cut off
_bytes_read = 0


def bytes_read() -> int:
    """How many bytes this process has opened through `reading` and `download`: what a call's input weighs."""
    return _bytes_read


def _note(path: Path) -> None:
    global _bytes_read
    _bytes_read += path.stat().st_size


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
    bucket, _, key = uri.removeprefix("s3://").partition("/")  # a key may hold what a URL gives a meaning
    return {"Bucket": bucket, "Key": key}


@contextmanager
def reading(uri: str) -> Iterator[Path]:
    """A readable path with the content of `uri`; a download is removed afterwards.

    Raises StorageError when there is nothing at `uri`.
    """
    path = local_path(uri)
    if path is not None:
        if not path.is_file():
            raise StorageError(f"There is no file at {path}.")
        _note(path)
        yield path
        return
    from botocore.exceptions import BotoCoreError, ClientError

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, uri.rpartition("/")[2])
        try:
            _s3().download_file(**_bucket_key(uri), Filename=str(path))
        except (BotoCoreError, ClientError) as error:
            raise StorageError(f"{uri} cannot be read: {error}.") from error
        _note(path)
        yield path


@contextmanager
def streaming(uri: str) -> Iterator[Any]:
    """The body of an S3 object, never whole in memory. Raises StorageError."""
    with _explained(uri, "read"), closing(_s3().get_object(**_bucket_key(uri))["Body"]) as body:
        yield body


def download(uri: str, target: Path) -> None:
    """An S3 object's content as a file, over several connections when it is large. Raises StorageError."""
    with _explained(uri, "read"):
        _s3().download_file(**_bucket_key(uri), Filename=str(target))
    _note(target)


@contextmanager
def writing(uri: str, durable: bool = True) -> Iterator[Path]:
    """A path to write; its content appears at `uri` at once and whole, or not at all.

    `durable`: also when the power fails right afterwards. Off for the many small files of one result, which
    whoever keeps the result syncs together.
    """
    target = local_path(uri)
    if target is not None:
        partial = target.with_name(f".{target.name}.{os.getpid()}.part{target.suffix}")
        try:
            make_folder(target.parent)
            try:
                yield partial
                if durable:
                    replace(partial, target)
                else:
                    partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{target} cannot be written: {error.strerror or error}.") from error
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, uri.rpartition("/")[2])
        yield path
        upload(path, uri)


def read_bytes(uri: str) -> bytes:
    with reading(uri) as path:
        return path.read_bytes()


def write_bytes(uri: str, content: bytes, durable: bool = True) -> None:
    with writing(uri, durable) as path:
        path.write_bytes(content)


def list_names(folder_uri: str) -> dict[str, float]:
    """Names of the files directly in a folder, with the time (s) each was last written; none: empty."""
    folder = local_path(folder_uri)
    if folder is not None:
        try:
            with os.scandir(folder) as entries:
                files = [entry for entry in entries if not entry.name.startswith(".") and entry.is_file()]
        except FileNotFoundError:
            return {}
        return {entry.name: entry.stat().st_mtime for entry in files}
    return {name: item["LastModified"].timestamp() for name, item in list_objects(folder_uri).items()}


def remove(uri: str) -> None:
    """Removes a file; one that is gone already is no error."""
    path = local_path(uri)
    if path is not None:
        path.unlink(missing_ok=True)
        return
    with _explained(uri, "removed"):
        _s3().delete_object(**_bucket_key(uri))


@contextmanager
def _explained(uri: str, what: str) -> Iterator[None]:
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise StorageError(f"{uri} cannot be {what}: {error}.") from error


def upload(path: Path, uri: str, on_block: Callable[[int], None] | None = None) -> str:
    """The file as an S3 object, in parts when it is large, each checked by its SHA-256; returns the ETag.

    `on_block(bytes)` hears of each block that was sent. Raises StorageError.
    """
    place = _bucket_key(uri)
    with _explained(uri, "written"):
        extra = {"ChecksumAlgorithm": "SHA256"}
        if kind := mimetypes.guess_type(uri)[0]:
            extra["ContentType"] = kind  # a browser shows a report and does not save it
        _s3().upload_file(Filename=str(path), **place, ExtraArgs=extra, Callback=on_block)
        return _s3().head_object(**place)["ETag"]


def list_objects(folder_uri: str) -> dict[str, dict[str, Any]]:
    """{name: {"Size", "ETag", "LastModified"}} of the objects directly in an S3 folder."""
    place = _bucket_key(folder_uri.rstrip("/") + "/")
    pages = (
        _s3()
        .get_paginator("list_objects_v2")
        .paginate(Bucket=place["Bucket"], Prefix=place["Key"], Delimiter="/")
    )
    with _explained(folder_uri, "listed"):
        found = [item for page in pages for item in page.get("Contents", [])]
    return {item["Key"].rsplit("/", 1)[-1]: item for item in found}


def read_tagged(uri: str) -> tuple[bytes, str] | None:
    """Content and ETag of an S3 object, for a later `replace_tagged`; None when there is none."""
    from botocore.exceptions import ClientError, HTTPClientError

    with _explained(uri, "read"):
        for attempt in range(CUT, -1, -1):
            try:
                answer = _s3().get_object(**_bucket_key(uri))
                return answer["Body"].read(), answer["ETag"]
            except ClientError as error:
                if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                    return None
                raise
            except HTTPClientError:  # cut off within the content: the next request waits
                if not attempt:
                    raise
    raise AssertionError("unreachable")


def replace_tagged(uri: str, content: bytes, tag: str | None) -> bool:
    """Writes an S3 object if it still has the ETag `tag`, or, without a tag, if there is none yet.

    False: somebody else wrote it. See "conditional writes" in the S3 user guide.
    """
    from botocore.exceptions import ClientError

    condition = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}
    with _explained(uri, "written"):
        try:
            _s3().put_object(**_bucket_key(uri), Body=content, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
                return False
            raise
        return True


def size(uri: str) -> int:
    """Bytes of an S3 object. Raises StorageError."""
    with _explained(uri, "read"):
        return _s3().head_object(**_bucket_key(uri))["ContentLength"]


def modified(uri: str) -> float:
    """When an S3 object was written, in seconds of Unix. Raises StorageError."""
    with _explained(uri, "read"):
        return _s3().head_object(**_bucket_key(uri))["LastModified"].timestamp()


def list_sizes(folder_uri: str) -> dict[str, int]:
    """Names, relative to an S3 folder, of everything below it, with its bytes; none: empty."""
    return {name: item["Size"] for name, item in _all_below(folder_uri).items()}


def list_tags(folder_uri: str) -> dict[str, str]:
    """The same with their ETags, which change with the content."""
    return {name: item["ETag"] for name, item in _all_below(folder_uri).items()}


def _all_below(folder_uri: str) -> dict[str, dict[str, Any]]:
    place = _bucket_key(folder_uri.rstrip("/") + "/")
    pages = _s3().get_paginator("list_objects_v2").paginate(Bucket=place["Bucket"], Prefix=place["Key"])
    with _explained(folder_uri, "listed"):
        found = [item for page in pages for item in page.get("Contents", [])]
    return {item["Key"].removeprefix(place["Key"]): item for item in found}


def list_folders(folder_uri: str) -> list[str]:
    """Names of the folders directly in a folder; none: empty."""
    folder = local_path(folder_uri)
    if folder is not None:
        return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    place = _bucket_key(folder_uri.rstrip("/") + "/")
    pages = (
        _s3()
        .get_paginator("list_objects_v2")
        .paginate(Bucket=place["Bucket"], Prefix=place["Key"], Delimiter="/")
    )
    with _explained(folder_uri, "listed"):
        found = [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])]
    return sorted(prefix.rstrip("/").rsplit("/", 1)[-1] for prefix in found)
