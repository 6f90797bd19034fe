"""From catalogue entry to a checked folder in the store."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from containers.common.errors import StorageError, UserError
from containers.common.locks import held
from containers.common.models.lock import record
from containers.common.models.store import Model, ModelFile, catalogue, sha256_of, store_folder
from containers.model_downloader.contract import FetchedModel
from containers.model_downloader.download import Downloaded, download
from containers.model_downloader.guard import Guard
from containers.model_downloader.pickles import refused_names
from containers.model_downloader.remote import Remote
from containers.model_downloader.session import open_session
from containers.model_downloader.sources import choose_remotes, find_remotes, with_parts
from containers.model_downloader.threads import side_by_side
from containers.model_downloader.unpack import unpack

AT_ONCE = 4  # models fetched side by side
MEND_STORE = "make room or name another store in MEDIAFLOW_MODELS."
Progress = Callable[[str, int, int], None]


def choose(ids: list[str], profile: str | None) -> list[Model]:
    """The named models and those of the profile, in catalogue order; the starter profile when both are empty.

    Raises UserError for unknown names.
    """
    known = catalogue()
    if unknown := [name for name in ids if name not in known]:
        raise UserError(f"There is no model '{unknown[0]}' in the catalogue; it has {', '.join(known)}.")
    profile = profile or (None if ids else "starter")
    profiles = known_profiles()
    if profile and profile not in profiles:
        raise UserError(f"There is no profile '{profile}'; the catalogue has {', '.join(profiles)}.")
    return [model for model in known.values() if model.id in ids or (profile and model.is_in(profile))]


def known_profiles() -> list[str]:
    """Names of profiles, in order; a pattern of an entry is none, it joins those that others name."""
    named = {name for model in catalogue().values() for name in model.profiles}
    return sorted(name for name in named if not set(name) & set("*?["))


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


def verify(model: Model, store: Path | None = None) -> str | None:
    """None when every file is in the folder and matches its hash, otherwise one sentence."""
    folder = (store or store_folder()) / model.id
    if not model.files:
        return "Its files are not known before it is fetched."
    return next((fault for file in model.files if (fault := _fault(folder, file))), None)


def _fault(folder: Path, file: ModelFile) -> str | None:
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
        return _fetch_alone(store_folder(), model, unfinished, progress)
    except StorageError as error:
        reason = f"{str(error).rstrip('.')}; {MEND_STORE}"
    except UserError as error:
        reason = str(error)
    except OSError as error:
        reason = f"The store {store_folder()} cannot be written: {error.strerror or error}; {MEND_STORE}"
    return FetchedModel(id=model.id, status="failed", reason=reason)


def _fetch_alone(store: Path, model: Model, unfinished: dict[str, Model], progress: Progress) -> FetchedModel:
    """While it works, no other thread or process touches this model or what is downloaded for it."""
    locks = store / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    with ExitStack() as ours:
        ours.enter_context(held(locks / f"{model.id}.lock", f"another run that fetches {model.id}"))
        if verify(model) is None:  # another run was faster
            return FetchedModel(id=model.id, status="present")
        guard = Guard()
        session = ours.enter_context(open_session(guard))
        missing = _missing(store, model)
        remotes = choose_remotes(find_remotes(session, guard, model, missing), missing)
        # Models may share archives: always in the same order, so that no two wait for each other.
        for key in sorted({remote.key for remote in remotes}):
            ours.enter_context(held(locks / f"{key}.lock", f"another run that downloads for {model.id}"))
        moved, got = _download_all(store, model.id, remotes, progress)
        for orphan in (store / model.id).rglob(".*.part*"):  # of a run that was killed while it unpacked
            orphan.unlink()
        try:
            wanted = with_parts(missing, got)
            if not model.files and (lacking := model.lacking(file.name for file in wanted)):
                raise UserError(f"{lacking[0]} is not among its published files; correct the catalogue.")
            files = [_unpack_weights(file, got, store / model.id) for file in wanted]
        except UserError as error:
            if not isinstance(error, StorageError):  # whatever is no hash's match is not built upon
                for one in (remote for remote in remotes if remote.sha256 is None):
                    (store / ".downloads" / one.key).unlink(missing_ok=True)
            raise
        if not model.files or any(file.sha256 is None for file in missing):
            pins = [file.model_dump(include={"name", "sha256", "size"}) for file in files]
            commit = next((remote.commit for remote in remotes if remote.commit), model.commit)
            record(store, model.id, model.origin, pins, commit)
            catalogue.cache_clear()  # the hashes are known now
        del unfinished[model.id]
        needed = {
            archive["sha256"]
            for other in list(unfinished.values())
            for archive in other.source.get("archives", [])
        }
        for remote in remotes:
            if remote.key not in needed:
                (store / ".downloads" / remote.key).unlink(missing_ok=True)
    return FetchedModel(id=model.id, status="fetched", bytes_moved=moved)


def _unpack_weights(file: ModelFile, got: dict[str, Downloaded], folder: Path) -> ModelFile:
    """As `unpack`. Raises UserError, and keeps nothing, where a checkpoint wants more than to be read."""
    done = unpack(file, got, folder)
    if refused := refused_names(folder / file.name):
        (folder / file.name).unlink()
        raise UserError(
            f"{file.name} holds {', '.join(refused[:3])} beside its weights, which images do not open; "
            "it was thrown away: ask its publisher for safetensors."
        )
    return done


def _missing(store: Path, model: Model) -> list[ModelFile]:
    """The catalogue's files that are not in the store as they should be."""
    return [file for file in model.files if _fault(store / model.id, file)]


def _download_all(
    store: Path, model: str, remotes: list[Remote], progress: Progress
) -> tuple[int, dict[str, Downloaded]]:
    """(bytes moved, what is there now by name)."""
    total = sum(remote.size or 0 for remote in remotes)
    moved = before = 0

    def count(size: int, have: int) -> None:
        nonlocal moved
        moved += size
        progress(model, before + have, max(total, before + have))

    got: dict[str, Downloaded] = {}
    for remote in remotes:
        got[remote.name] = download(remote, store / ".downloads", count)
        before += got[remote.name].size
    return moved, got
