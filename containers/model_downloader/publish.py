"""From a folder of checked models to the store that images read: contents first, the manifest last."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from containers.common import storage
from containers.common.errors import UserError
from containers.common.models import store_s3
from containers.common.models.store import Model, catalogue, sha256_of, store_folder, store_uri
from containers.common.models.store_s3 import Manifest, StoredFile
from containers.model_downloader.contract import FetchedModel
from containers.model_downloader.fetch import AT_ONCE, fetch_models, verify
from containers.model_downloader.threads import side_by_side

Progress = Callable[[str, int, int], None]


def fill(models: list[Model], progress: Progress = lambda model, done, total: None) -> list[FetchedModel]:
    """Fetches what the store of `MEDIAFLOW_MODELS` lacks, several at once; `progress(id, done, all)`: bytes.

    Same content is kept once. An S3 store gets what was fetched here, which is removed afterwards; what is
    there already is not moved. One model's failure is its own: the others are fetched.
    """
    store = store_uri()
    if store is None:
        done = fetch_models(models, progress)
        share_content(store_folder())
        return done
    try:
        there = Contents(store)
    except UserError as error:
        return [FetchedModel(id=model.id, status="failed", reason=str(error)) for model in models]
    absent = [model for model in models if not there.has(model)]
    done = {model.id: model for model in fetch_models(absent, progress)}
    catalogue.cache_clear()  # with the hashes that were found while fetching
    arrived = [catalogue()[model.id] for model in absent if done[model.id].status != "failed"]
    published = publish(arrived, store_folder(), store, progress, there)
    done |= {model.id: _together(done[model.id], model) for model in published}
    for model in published:
        if model.status != "failed":
            shutil.rmtree(store_folder() / model.id, ignore_errors=True)
    catalogue.cache_clear()
    return [done.get(model.id, FetchedModel(id=model.id, status="present")) for model in models]


def _together(fetched: FetchedModel, published: FetchedModel) -> FetchedModel:
    if published.status == "failed":
        return published
    return fetched.model_copy(update={"status": "fetched"})


class Contents:
    """What an S3 store holds: the objects, and which of them its manifests vouch for."""

    def __init__(self, store: str) -> None:
        store_s3.forget_listing()
        self.objects = storage.list_objects(storage.join(store, store_s3.OBJECTS))
        found = [store_s3.read_manifest(store, model) for model in sorted(store_s3.list_models(store))]
        self.manifests = {manifest.id: manifest for manifest in found if manifest}

    def intact(self, sha256: str | None) -> str | None:
        """The ETag of the object that was published with this content and is still there, or None."""
        for manifest in self.manifests.values():
            for file in manifest.files:
                found = self.objects.get(file.sha256, {})
                whole = (file.size, file.etag) == (found.get("Size"), found.get("ETag"))
                if file.sha256 == sha256 and whole:
                    return file.etag
        return None

    def has(self, model: Model) -> bool:
        """Whether it is there as the catalogue has it, and nobody changed it since."""
        manifest = self.manifests.get(model.id)
        if not manifest or not model.pinned_by_catalogue:
            return False
        same = {file.name: file.sha256 for file in manifest.files} == {
            file.name: file.sha256 for file in model.files
        }
        return (
            same and manifest.origin == model.origin and all(self.intact(file.sha256) for file in model.files)
        )


def publish(
    models: list[Model],
    source: Path,
    store: str,
    progress: Progress = lambda model, done, total: None,
    there: Contents | None = None,
) -> list[FetchedModel]:
    """Copies models of the folder `source` to the S3 store: only content that it lacks."""
    there = there or Contents(store)
    return side_by_side(partial(_publish, source, store, there, progress), models, AT_ONCE)


def _publish(source: Path, store: str, there: Contents, progress: Progress, model: Model) -> FetchedModel:
    try:
        if there.has(model):
            return FetchedModel(id=model.id, status="present")
        moved = 0
        # Checked where it lies: only what matches may become an object of that name.
        if fault := verify(model, source):
            return FetchedModel(id=model.id, status="failed", reason=fault)

        def count(size: int) -> None:
            nonlocal moved
            moved += size
            progress(f"{model.id} to S3", moved, model.size)

        files = []
        for file in model.files:
            sha256, path = str(file.sha256), source / model.id / file.name
            etag = there.intact(sha256) or storage.upload(path, store_s3.object_uri(store, sha256), count)
            files.append(StoredFile(name=file.name, sha256=sha256, size=path.stat().st_size, etag=etag))
        store_s3.write_manifest(
            store,
            Manifest(
                id=model.id,
                revision=model.revision,
                licence=model.licence,
                origin=model.origin,
                commit=model.commit,
                files=files,
            ),
        )
    except (UserError, OSError) as error:
        return FetchedModel(id=model.id, status="failed", reason=str(error))
    return FetchedModel(id=model.id, status="fetched", bytes_moved=moved)


def share_content(store: Path) -> int:
    """Makes one file of those with the same SHA-256 in a folder, by hard links; returns the bytes won.

    Where the disk has no hard links, nothing changes.
    """
    first: dict[str, Path] = {}
    won = 0
    for model in catalogue().values():
        for file in model.files:
            path = store / model.id / file.name
            if file.sha256 is None or not path.is_file():
                continue
            other = first.setdefault(file.sha256, path)
            if other is path or other.samefile(path):
                continue
            if sha256_of(other) != file.sha256 or sha256_of(path) != file.sha256:
                continue  # `verify` says so; it is not for us to spread it
            link = path.with_name(f".{path.name}.part-link")
            try:
                link.unlink(missing_ok=True)
                link.hardlink_to(other)
            except OSError:
                return won
            link.replace(path)
            won += path.stat().st_size
    return won


@contextmanager
def using_store(store: str | None) -> Iterator[None]:
    """The store for this process's runs meanwhile, where one is named: a folder or `s3://bucket/prefix`."""
    before = os.environ.get("MEDIAFLOW_MODELS")
    if store:
        os.environ["MEDIAFLOW_MODELS"] = store
        catalogue.cache_clear()  # its open hashes are those of the store
    try:
        yield
    finally:
        if store:
            os.environ.pop("MEDIAFLOW_MODELS")
            if before is not None:
                os.environ["MEDIAFLOW_MODELS"] = before
            catalogue.cache_clear()
