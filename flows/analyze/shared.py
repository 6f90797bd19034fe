"""Finished stages in a Prefect block (an S3 bucket, a shared folder): any machine goes on where one stopped.

BLOCK/<asset id>/<stage key>.json   the record as Prefect wrote it, and the SHA-256 of each file it names
BLOCK/<asset id>/<kind>/...         these files, by their names below OUT/.cache/<asset id>/
"""

import hashlib
import re
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

from botocore.exceptions import BotoCoreError, ClientError
from prefect.blocks.core import Block
from prefect.exceptions import ObjectNotFound
from prefect.filesystems import WritableFileSystem
from prefect.plugins import load_prefect_collections
from pydantic import BaseModel, ValidationError

from containers.common import storage
from containers.common.errors import StorageError, UserError
from containers.common.inside import inside
from flows.server.patient import patiently
from tasks.asset.folder import Asset
from tasks.asset.portable import HERE, portable

NOT_THERE = {"NoSuchKey", "404"}


def files_named(record: str, root: str) -> set[str]:
    """The files below `root`, a URI, that a record names, but for decoded media: that goes with a run."""
    return set(re.findall(rf"{re.escape(root)}/(?!media/)([^\"\\]+)", record))


def load_block(slug: str) -> WritableFileSystem:
    """A block by its type and name, as `s3-bucket/results`. Raises UserError when it cannot keep files."""
    load_prefect_collections()
    try:
        block = patiently(Block.load)(slug)
    except (ValueError, ObjectNotFound) as error:
        raise UserError(f"There is no Prefect block {slug}: {str(error).splitlines()[0]}") from error
    if not isinstance(block, WritableFileSystem):
        raise UserError(f"The Prefect block {slug} keeps no files; one of an S3 bucket does.")
    return block


class SharedRecord(BaseModel):
    """A stage's record in the block."""

    record: str
    files: dict[str, str]  # name and SHA-256


class SharedResults:
    """One asset's finished stages in a block. What it holds is believed as far as `records` goes."""

    def __init__(self, block: WritableFileSystem, asset: Asset) -> None:
        # Prefect dispatches to a coroutine where a loop runs, unless told not to.
        self._block = cast(Any, block)
        self._asset = asset

    def put(self, key: str) -> None:
        """Shares a finished stage, its files first. Raises StorageError."""
        cache = self._asset.cache
        record = portable((self._asset.results / key).read_text(encoding="utf-8"), cache)
        files = {}
        for name in sorted(files_named(record, HERE)):
            content = inside(cache, unquote(name)).read_bytes()
            files[name] = hashlib.sha256(content).hexdigest()
            self._write(name, content)
        shared = SharedRecord(record=record, files=files)
        self._write(f"{key}.json", shared.model_dump_json().encode())

    def get(self, key: str) -> bool:
        """Puts a shared stage among this machine's. False: not there, or not whole. Raises StorageError."""
        content = self._read(f"{key}.json")
        if content is None:
            return False
        try:
            shared = SharedRecord.model_validate_json(content)
        except ValidationError:
            raise StorageError(f"The shared results of {key} are damaged.") from None
        for name, digest in shared.files.items():
            path = inside(self._asset.cache, unquote(name))
            content = self._read(name)
            if content is None or hashlib.sha256(content).hexdigest() != digest:
                return False  # two machines shared the same stage at once
            self._keep(path, content)
        self._keep(self._asset.results / key, shared.record.encode())
        return True

    def _read(self, name: str) -> bytes | None:
        try:
            return self._block.read_path(f"{self._asset.id}/{name}", _sync=True)
        except (FileNotFoundError, ValueError):  # as Prefect's own file systems say it
            return None
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in NOT_THERE:
                return None
            raise StorageError(f"Shared results cannot be read: {error}.") from error
        except (BotoCoreError, OSError) as error:
            raise StorageError(f"Shared results cannot be read: {error}.") from error

    def _write(self, name: str, content: bytes) -> None:
        try:
            self._block.write_path(f"{self._asset.id}/{name}", content=content, _sync=True)
        except (BotoCoreError, ClientError, OSError) as error:
            raise StorageError(f"Results cannot be shared: {error}.") from error

    def _keep(self, path: Path, content: bytes) -> None:
        """Whole or not at all."""
        storage.write_bytes(storage.as_uri(path), content)
