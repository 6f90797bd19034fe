"""What a store holds, compared with the catalogue or another store, and what of it may go."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from containers.common import storage
from containers.common.models import store_s3
from containers.common.models.store import Model, catalogue, sha256_of, store_uri
from containers.model_downloader.fetch import verify
from containers.model_downloader.publish import Contents

DAY = 86_400.0


@dataclass(frozen=True)
class Held:
    """A model in a store: SHA-256 by file name, bytes, and when it was last read (S3: published), in s."""

    files: dict[str, str]
    size: int
    used: float


def take_stock(store: Path | str, hashing: bool = True) -> dict[str, Held]:
    """Every model by id. A folder's files are hashed; on S3 manifests are believed. Raises StorageError."""
    if isinstance(store, str):
        times = storage.list_names(storage.join(store, store_s3.MANIFESTS))
        return {
            model: Held(
                {file.name: file.sha256 for file in manifest.files},
                sum(file.size for file in manifest.files),
                times.get(f"{model}.json", 0),
            )
            for model, manifest in Contents(store).manifests.items()
        }
    folders = [path for path in store.iterdir() if path.is_dir()] if store.is_dir() else []
    return {
        folder.name: _in_folder(folder, hashing)
        for folder in sorted(folders)
        if not folder.name.startswith(".")
    }


def _in_folder(folder: Path, hashing: bool) -> Held:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    states = [path.stat() for path in paths]
    return Held(
        {path.relative_to(folder).as_posix(): sha256_of(path) if hashing else "" for path in paths},
        sum(state.st_size for state in states),
        max((max(state.st_atime, state.st_mtime) for state in states), default=0),
    )


def check_stored(model: Model) -> str | None:
    """None when every file in the store of `MEDIAFLOW_MODELS` matches its hash, otherwise one sentence.

    On S3 every object is read. Raises StorageError when S3 does not answer.
    """
    store = store_uri()
    if store is None:
        return verify(model)
    manifest = store_s3.read_manifest(store, model.id)
    if manifest is None:
        return f"It is not in the store {store}."
    held = {file.name: file.sha256 for file in manifest.files}
    there = storage.list_names(storage.join(store, store_s3.OBJECTS))
    for file in model.files:
        if file.sha256 is None or held.get(file.name) != file.sha256 or file.sha256 not in there:
            return f"{file.name} is not in the store as the catalogue has it."
        if store_s3.hash_object(store_s3.object_uri(store, file.sha256)) != file.sha256:
            return f"{file.name} does not match its SHA-256."
    return None


def compare(store: dict[str, Held], other: dict[str, Held] | None = None) -> list[tuple[str, str]]:
    """(model, what differs) between a store and another, or the catalogue when none is given."""
    if other is None:
        wanted = {
            model.id: {file.name: file.sha256 or "" for file in model.files} for model in catalogue().values()
        }
        where = "the catalogue"
    else:
        wanted, where = {model: held.files for model, held in other.items()}, "the other store"
    found = []
    for model in sorted(store.keys() | wanted.keys()):
        if model not in wanted:
            found.append((model, f"not in {where}"))
        elif model not in store:
            found.append((model, f"only in {where}"))
        else:
            mine, theirs = store[model].files, wanted[model]
            names = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
            found += [(model, f"{name} differs from {where}") for name in names]
    return found


def choose_removable(store: dict[str, Held], keep: int | None) -> list[str]:
    """What the catalogue no longer names; with `keep` also the least recently used beyond so many bytes."""
    gone = [model for model in store if model not in catalogue()]
    if keep is None:
        return gone
    kept = sorted((model for model in store if model not in gone), key=lambda model: store[model].used)
    while kept and sum(store[model].size for model in kept) > keep:
        gone.append(kept.pop(0))
    return gone


def remove_models(store: Path | str, models: list[str]) -> None:
    """Removes them, and on S3 the contents that no other model has. Raises StorageError or OSError."""
    if isinstance(store, Path):
        for model in models:
            shutil.rmtree(store / model)
        return
    theirs = Contents(store).manifests
    for model in models:
        storage.remove(store_s3.manifest_uri(store, model))  # first: a model is its manifest
    store_s3.forget_listing()
    there = Contents(store)
    needed = {file.sha256 for manifest in there.manifests.values() for file in manifest.files}
    removed = {file.sha256 for model in models if model in theirs for file in theirs[model].files}
    for name, found in there.objects.items():
        # Others of the last day may belong to a model whose manifest is still to come.
        old = time.time() - found["LastModified"].timestamp() > DAY
        if name not in needed and (name in removed or old):
            storage.remove(f"{storage.join(store, store_s3.OBJECTS)}/{name}")
