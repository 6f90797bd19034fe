"""Models that people have already: a folder of this machine, an S3 prefix."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from containers.common.errors import UserError
from containers.model_downloader.remote import Reader, Remote
from containers.model_downloader.retry import Transient, retrying
from containers.model_downloader.source import Bucket, Folder

PASSING = {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "Throttling"}


def folder_remotes(source: Folder) -> list[Remote]:
    """Every file of the folder. Raises UserError when there is none."""
    folder = Path(source.path).expanduser()
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not files:
        raise UserError(f"{folder} is no folder with files; correct its path in the catalogue.")
    return [_from_file(path, path.relative_to(folder).as_posix()) for path in files]


def _from_file(path: Path, name: str) -> Remote:
    found = path.stat()

    @contextmanager
    def read(first: int, last: int | None) -> Iterator[tuple[Reader, bool]]:
        try:
            with path.open("rb") as file:
                file.seek(first)
                yield file, True
        except FileNotFoundError:
            raise UserError(f"{path} went away while it was copied; run the same command again.") from None

    identity = f"{path.absolute()} {found.st_mtime_ns} {found.st_ino}"
    return Remote(name, str(path.parent), found.st_size, identity, read)


def bucket_remotes(source: Bucket) -> list[Remote]:
    """Every object below the prefix. Raises UserError when there is none or it may not be read."""
    import boto3

    client = boto3.client("s3")
    where = f"s3://{source.bucket}/{source.prefix}"

    def listed() -> list[dict[str, Any]]:
        with _explaining(where):
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=source.bucket, Prefix=source.prefix
            )
            return [entry for page in pages for entry in page.get("Contents", [])]

    entries = [entry for entry in retrying(listed) if not entry["Key"].endswith("/")]
    if not entries:
        raise UserError(f"There is nothing below {where}; correct its prefix in the catalogue.")
    return [_from_object(client, source, entry) for entry in entries]


def _from_object(client: Any, source: Bucket, entry: dict[str, Any]) -> Remote:
    where = f"s3://{source.bucket}/{entry['Key']}"

    @contextmanager
    def read(first: int, last: int | None) -> Iterator[tuple[Reader, bool]]:
        with _explaining(where):
            answer = client.get_object(
                Bucket=source.bucket,
                Key=entry["Key"],
                Range=f"bytes={first}-{'' if last is None else last}",
                IfMatch=entry["ETag"],
            )
            with answer["Body"] as body:
                yield body, True

    name = entry["Key"].removeprefix(source.prefix)
    return Remote(name, f"s3://{source.bucket}", entry["Size"], f"{where} {entry['ETag']}", read)


@contextmanager
def _explaining(where: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError

    try:
        yield
    except NoCredentialsError:
        raise UserError(
            f"{where} cannot be read without AWS credentials; set AWS_PROFILE or a key."
        ) from None
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in PASSING or status >= 500:
            raise Transient(f"{where} cannot be read: {code}; try again later.") from error
        raise UserError(f"{where} cannot be read: {code}; check its name and who may read it.") from error
    except (HTTPClientError, BotoCoreError) as error:
        raise Transient(f"{where} cannot be read: {error}; check the network and try again.") from error
