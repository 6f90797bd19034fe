"""The model store as images see it: a folder per model, opened only when every hash matches.

The catalogue (`catalogue.toml`) says which files a model has and their SHA-256; a folder as store holds them
under `<store>/<model id>/<file name>`, an S3 prefix as store_s3.py has it, read through store_cache.py.
A file is hashed once per process, before it is first used.
"""

import hashlib
import json
import os
import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from containers.common.contract import Contract, ModelRef
from containers.common.errors import ModelCorrupt, ModelMissing, StorageError, UserError
from containers.common.inside import Name, RelativePath
from containers.common.models import store_cache, store_s3
from containers.common.models.checked import sha256_known
from containers.common.models.embeddings import CATALOGUE, Embedding
from containers.common.models.lock import read_lock


class ModelFile(Contract):
    """One file of a model as it lies in the store."""

    name: RelativePath
    sha256: str | None = Field(default=None, description="unknown until somebody has fetched the model")
    size: int | None = Field(default=None, description="bytes")
    parts: list[str] = Field(default=[], description="'<archive>:<path inside it>', joined in order")


class Model(Contract):
    """A catalogue entry. `source` is read by the model downloader alone."""

    id: Name
    task: str
    title: str
    revision: str
    licence: str
    profile: str
    also: list[str] = Field(default=[], description="other profiles that it belongs to; shell patterns")
    needs: str = Field(default="", description="what it wants beside its files: terms, memory, a processor")
    fetched: bool = Field(
        default=True, description="False while nobody has fetched it, so hashes are unknown"
    )
    about_mb: int | None = Field(default=None, description="to fetch, where sizes are not known to the byte")
    whole: list[str] = Field(
        default=[],
        description="shell patterns of the files without which it is none; 'a|b': a, or else b",
    )
    commit: str = Field(default="", description="what was fetched, where `revision` was not known before")
    embedding: Embedding | None = Field(default=None, description="of a model that makes vectors")
    source: dict[str, Any]
    files: list[ModelFile]

    @property
    def profiles(self) -> list[str]:
        return [self.profile, *self.also]

    def is_in(self, profile: str) -> bool:
        return any(fnmatchcase(profile, pattern) for pattern in self.profiles)

    def lacking(self, names: Iterable[str]) -> list[str]:
        """Those of `whole` that none of the files is."""
        there = list(names)
        return [
            needed
            for needed in self.whole
            if not any(fnmatchcase(name, pattern) for pattern in needed.split("|") for name in there)
        ]

    @property
    def sha256(self) -> str:
        """One hash for the whole model: SHA-256 over its files' hashes in catalogue order."""
        return hashlib.sha256("".join(file.sha256 or "" for file in self.files).encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes in the store, as far as they are known."""
        return sum(file.size or 0 for file in self.files)

    @property
    def is_size_known(self) -> bool:
        return bool(self.files) and all(file.size is not None for file in self.files)

    @property
    def pinned_by_catalogue(self) -> bool:
        return bool(self.files) and all(file.sha256 for file in self.files)

    @property
    def origin(self) -> str:
        """What hashes found at first download stand for: they are void when source or revision change."""
        described = json.dumps([self.revision, self.source], sort_keys=True)
        return hashlib.sha256(described.encode()).hexdigest()

    def pinned(self, lock: dict[str, Any] | None) -> "Model":
        """With the lock's files where the catalogue has none, and its hashes where the catalogue has none.

        What lacks a file that it needs is as if it had never been fetched.
        """
        if not lock or lock["origin"] != self.origin:
            return self
        if self.lacking(file["name"] for file in lock["files"]):
            return self
        found = {file["name"]: ModelFile.model_validate(file) for file in lock["files"]}
        files = [
            file
            if file.sha256 or file.name not in found
            else file.model_copy(update=_known(found[file.name]))
            for file in self.files
        ]
        return self.model_copy(
            update={"files": files or list(found.values()), "commit": lock.get("commit", "")}
        )

    @property
    def ref(self) -> ModelRef:
        return ModelRef(id=self.id, revision=self.commit[:12] or self.revision, sha256=self.sha256)


def _known(file: ModelFile) -> dict[str, Any]:
    return {"sha256": file.sha256, "size": file.size}


class _Catalogue(Contract):
    hosts: list[str] = Field(default=[], description="where models may be fetched; shell patterns")
    model: list[Model]


@cache
def catalogue() -> dict[str, Model]:
    """Every known model by id. Raises UserError.

    `MEDIAFLOW_CATALOGUE` names a file to read instead of this project's, `MEDIAFLOW_CATALOGUE_ADD` one whose
    entries are added to it; the same id is replaced. Hashes that the catalogue leaves open are those of the
    lock file or of the S3 store's manifests, once somebody has fetched the model.
    """
    known = {model.id: model for catalogue in _catalogues() for model in catalogue.model}
    pins = read_lock(store_folder())
    if uri := store_uri():
        open_ones = {model.id for model in known.values() if not model.pinned_by_catalogue}
        pins |= store_s3.read_pins(uri, open_ones)
    return {model.id: model.pinned(pins.get(model.id)) for model in known.values()}


def allowed_hosts() -> list[str]:
    """Hosts that models may be fetched from, as the catalogue lists them. Raises UserError."""
    return [host for catalogue in _catalogues() for host in catalogue.hosts]


def _catalogues() -> list[_Catalogue]:
    paths = [os.environ.get("MEDIAFLOW_CATALOGUE") or CATALOGUE, os.environ.get("MEDIAFLOW_CATALOGUE_ADD")]
    return [_read_catalogue(Path(path)) for path in paths if path]


def _read_catalogue(path: Path) -> _Catalogue:
    try:
        return _Catalogue.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"The catalogue {path} cannot be read: {error.strerror or error}.") from error
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise UserError(f"The catalogue {path} has a fault at {where}: {fault['msg']}.") from None
    except ValueError as error:
        raise UserError(f"The catalogue {path} is not TOML: {error}.") from error


def store_uri() -> str | None:
    """The S3 store that `MEDIAFLOW_MODELS` names; None when models lie in a folder.

    `s3://bucket/prefix/current` is the version of the store that the pointer of this name names, which
    flows.release switches. Raises StorageError when there is none.
    """
    named = os.environ.get("MEDIAFLOW_MODELS", "").rstrip("/")
    if not named.startswith("s3://"):
        return None
    return store_s3.current_version(named) if named.endswith("/current") else named


def store_folder() -> Path:
    """Where models lie: `MEDIAFLOW_MODELS`, or the user's cache folder.

    With an S3 store it is the folder where models are put together before they are published there.
    """
    if store_uri():
        return store_cache.cache_folder() / ".staging"
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mediaflow" / "models"
    return Path(os.environ.get("MEDIAFLOW_MODELS") or default)


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def has_model(model_id: str) -> bool:
    """Whether every file of the model is in the store and has a known hash (sizes compared, hashes not)."""
    model = catalogue().get(model_id)  # a catalogue of one's own may not know it
    if model is None or not model.pinned_by_catalogue:
        return False
    if uri := store_uri():
        return model_id in store_s3.list_models(uri)
    folder = store_folder() / model_id
    return all(
        (folder / file.name).is_file() and (folder / file.name).stat().st_size == file.size
        for file in model.files
    )


@cache
def open_model(model_id: str) -> tuple[Path, ModelRef]:
    """The model's folder, with every file's hash checked; from an S3 store in this machine's cache.

    Raises ModelMissing or ModelCorrupt with the command that mends it.
    """
    model = catalogue().get(model_id)
    if model is None:
        raise ModelMissing(
            f"There is no model '{model_id}' in the catalogue; it has {', '.join(catalogue())}."
        )
    store = store_uri()
    if not model.pinned_by_catalogue:
        raise ModelMissing(
            f"Model '{model_id}' has no SHA-256 yet, since nobody has fetched it into the store "
            f"{store or store_folder()}: run `uv run python -m flows.models fetch {model_id}`."
        )
    folder = _open_cached(store, model) if store else _open_in_folder(model)
    return folder, model.ref


def _open_in_folder(model: Model) -> Path:
    folder = store_folder() / model.id
    for file in model.files:
        path = folder / file.name
        if not path.is_file():
            raise _missing(model, store_folder())
        try:
            content = sha256_known(path)
        except OSError as error:  # a network's or a disk's fault
            raise StorageError(
                f"The model store {store_folder()} cannot be read: {error.strerror or error}."
            ) from error
        if content != file.sha256:
            raise _corrupt(model, path)
    return folder


def _open_cached(store: str, model: Model) -> Path:
    """Fetches what the cache lacks. Raises StorageError when S3 does not answer."""
    with store_cache.filling(model.id, model.sha256, model.size) as folder:
        for file in model.files:
            path = folder / file.name
            if path.is_file() and sha256_known(path) == file.sha256:
                continue
            if model.id not in store_s3.list_models(store):
                raise _missing(model, store)
            uri = store_s3.object_uri(store, str(file.sha256))
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}.part")
            try:
                if store_s3.download(uri, partial) != file.sha256:
                    raise _corrupt(model, uri)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
    return folder


def _missing(model: Model, store: Path | str) -> ModelMissing:
    return ModelMissing(
        f"Model '{model.id}' is not in the store {store}: "
        f"run `uv run python -m flows.models fetch {model.id}`."
    )


def _corrupt(model: Model, place: Path | str) -> ModelCorrupt:
    return ModelCorrupt(
        f"{place} does not match its SHA-256 in the catalogue: "
        f"run `uv run python -m flows.models fetch {model.id}` to replace it."
    )
