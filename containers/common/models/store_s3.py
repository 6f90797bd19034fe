"""A model store below an S3 prefix: contents by their SHA-256, and a manifest per model, written last.

`<prefix>/objects/<sha256>` holds each content once, whichever models share it; `<prefix>/manifests/<id>.json`
names a model's files. A model without a manifest is not there, so a publication that was killed is no model.
"""

import hashlib
import json
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from containers.common import storage
from containers.common.contract import Contract
from containers.common.errors import StorageError
from containers.common.inside import Name, RelativePath, one_name

OBJECTS, MANIFESTS = "objects", "manifests"
FRESH = 10  # seconds that a listing is believed; a worker lives for hours, and models may arrive


class StoredFile(Contract):
    name: RelativePath
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: int
    etag: str = Field(description="of the object as it was published; another one was put there by others")


class Manifest(Contract):
    """What the store says of a model. `origin` is the catalogue entry's whose files these were."""

    id: Name
    revision: str
    licence: str
    origin: str
    commit: str = ""
    files: list[StoredFile]


def object_uri(store: str, sha256: str) -> str:
    return storage.join(store, OBJECTS, sha256)


def manifest_uri(store: str, model: str) -> str:
    return storage.join(store, MANIFESTS, f"{model}.json")


def current_version(pointer: str) -> str:
    """`<prefix>/<version>` by the pointer `<prefix>/current`, as known at most `FRESH` seconds ago.

    Raises StorageError when there is no pointer.
    """
    return _pointed(pointer, int(time.monotonic() / FRESH))


@lru_cache(maxsize=2)
def _pointed(pointer: str, moment: int) -> str:
    found = storage.read_tagged(pointer)
    if found is None:
        prefix = pointer.rpartition("/")[0]
        raise StorageError(
            f"There is no pointer {pointer} to a version of the model store: publish one as {prefix}/v1 and "
            f"run `uv run python -m flows.release models:{prefix} --use v1`."
        )
    return storage.join(pointer.rpartition("/")[0], one_name(json.loads(found[0])["version"]))


def list_models(store: str) -> set[str]:
    """Ids of the models that have a manifest, as known at most `FRESH` seconds ago. Raises StorageError."""
    return _listed(store, int(time.monotonic() / FRESH))


@lru_cache(maxsize=2)
def _listed(store: str, moment: int) -> set[str]:
    names = storage.list_names(storage.join(store, MANIFESTS))
    return {name.removesuffix(".json") for name in names if name.endswith(".json")}


def forget_listing() -> None:
    """After the store was changed by this process."""
    _listed.cache_clear()
    _pointed.cache_clear()


def read_manifest(store: str, model: str) -> Manifest | None:
    """None when the model is not there. Raises StorageError."""
    uri = manifest_uri(store, model)
    found = storage.read_tagged(uri)
    if found is None:
        return None
    try:
        return Manifest.model_validate_json(found[0])
    except ValidationError as error:
        raise StorageError(
            f"{uri} is not a model's manifest: {error.errors()[0]['msg']}; publish '{model}' again."
        ) from None


def read_pins(store: str, models: set[str]) -> dict[str, Any]:
    """What a folder's lock file holds (lock.py), for those of `models` that are in the store."""
    pins = {}
    there = list_models(store) if models else set()  # nothing open: cached models work without S3
    for model in sorted(models & there):
        if manifest := read_manifest(store, model):
            files = [file.model_dump(exclude={"etag"}) for file in manifest.files]
            pins[model] = {"origin": manifest.origin, "commit": manifest.commit, "files": files}
    return pins


def write_manifest(store: str, manifest: Manifest) -> None:
    text = json.dumps(manifest.model_dump(), indent=2, ensure_ascii=False)
    storage.write_bytes(manifest_uri(store, manifest.id), f"{text}\n".encode())
    forget_listing()


def hash_object(uri: str) -> str:
    """SHA-256 of an object's content, streamed. Raises StorageError."""
    digest = hashlib.sha256()
    with storage.streaming(uri) as body:
        for block in body.iter_chunks(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def download(uri: str, target: Path) -> str:
    """Writes the object's content to `target` and returns its SHA-256. Raises StorageError."""
    storage.download(uri, target)
    with target.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
