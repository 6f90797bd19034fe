"""The index of words of an output on S3: what it is made of is fetched as it changes, and kept here.

OUT/words/v000002.db, .json, current   versions, as below a folder; the pointer is written last
WORK/.../.search/                      this machine's side: documents, versions, and what is recent

A search looks which manifests changed, so that it finds what is published, and nothing that is gone.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from containers.common import storage
from containers.common.durable import make_folder
from containers.common.errors import StorageError, UserError
from containers.common.inside import one_name
from containers.common.locks import held, tell
from tasks.asset.bucket import PATIENCE, work_folder
from tasks.asset.disk import explain_disk
from tasks.asset.lease import leased
from tasks.words.store import MANIFEST, MANY, POINTER, WORDS, version_names
from tasks.words.versions import WordsVersion, make_version

DOCUMENTS = ("transcript.json", "tags.json", "faces.json", "quality.json")
STATE = ".fetched.json"
WRITING = ".writing"
LEASE = 60  # seconds after which a writer that vanished holds the versions no more
AT_ONCE = 16
_MANIFEST_KEY = re.compile(r"([^/.][^/]*)/manifest\.json")


def mirror(output: str, say: Callable[[str], object] = tell) -> Path:
    """A folder with what searches and versions of `output` (an s3:// URI) read, as it is there now.

    Raises StorageError, and UserError where nothing was analysed.
    """
    folder = work_folder(output) / ".search"
    with explain_disk(folder):
        make_folder(folder / WORDS)
        with held(folder / ".lock", f"another search of {output}"):
            tags = storage.list_tags(output)
            _fetch_version(output, folder, tags)
            _fetch_documents(output, folder, tags, say)
    return folder


def _state(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / STATE).read_bytes())
        return {str(name): str(tag) for name, tag in found.items()}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}


def _remember(folder: Path, state: dict[str, str]) -> None:
    storage.write_bytes(storage.as_uri(folder / STATE), json.dumps(state).encode(), durable=False)


def _fetch_documents(output: str, folder: Path, tags: dict[str, str], say: Callable[[str], object]) -> None:
    there = {found[1]: tag for name, tag in tags.items() if (found := _MANIFEST_KEY.fullmatch(name))}
    there = {asset: tag for asset, tag in there.items() if asset not in (WORDS, "index")}
    state = _state(folder)
    for path in folder.iterdir():
        if path.is_dir() and path.name != WORDS and path.name not in there:
            shutil.rmtree(path)
    changed = [asset for asset, tag in there.items() if state.get(asset) != tag]
    if len(changed) > MANY:
        say(f"Fetching what was found in {len(changed)} assets of {output} first, once.")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda asset: _fetch_asset(output, asset, folder, DOCUMENTS, set(tags)), changed))
    _remember(folder, there | {name: tag for name, tag in state.items() if name.startswith(f"{WORDS}/")})


def fetch_asset(output: str, asset: str, folder: Path, also: tuple[str, ...] = ()) -> None:
    """What is searched of one asset, and files beside it, into `folder`/<asset>. Raises StorageError."""
    there = {f"{asset}/{name}" for name in storage.list_tags(storage.join(output, asset))}
    if f"{asset}/{MANIFEST}" in there:
        _fetch_asset(output, asset, folder, (*DOCUMENTS, *also), there)


def _fetch_asset(output: str, asset: str, folder: Path, names: tuple[str, ...], there: set[str]) -> None:
    """The manifest last, as it is published. `there`: names below the output."""
    target = folder / one_name(asset)
    make_folder(target)
    for name in names:
        if f"{asset}/{name}" in there:
            storage.download(storage.join(output, asset, name), target / name)
        else:
            (target / name).unlink(missing_ok=True)
    content = storage.read_bytes(storage.join(output, asset, MANIFEST))
    storage.write_bytes(storage.as_uri(target / MANIFEST), content, durable=False)


def _fetch_version(output: str, folder: Path, tags: dict[str, str]) -> None:
    """The current version, where it is another than the one that is here."""
    pointer = f"{WORDS}/{POINTER}"
    state = _state(folder)
    if pointer not in tags or state.get(pointer) == tags[pointer]:
        return
    name = _pointed(storage.read_bytes(storage.join(output, pointer)), output)
    partial = folder / WORDS / f".{name}.db.part"
    storage.download(storage.join(output, WORDS, f"{name}.db"), partial)
    partial.replace(folder / WORDS / f"{name}.db")
    for other in _numbered(tags, "json"):
        storage.download(storage.join(output, WORDS, f"{other}.json"), folder / WORDS / f"{other}.json")
    _point(folder.as_uri(), name)
    _remember(folder, state | {pointer: tags[pointer]})


def _pointed(content: bytes, output: str) -> str:
    try:
        return one_name(json.loads(content)["version"])
    except (ValueError, LookupError, TypeError) as error:
        raise StorageError(f"{output}/{WORDS}/{POINTER} cannot be read: {error}.") from None


def _point(output: str, version: str) -> None:
    storage.write_bytes(storage.join(output, WORDS, POINTER), json.dumps({"version": version}).encode())


def _numbered(names: Iterable[str], suffix: str) -> list[str]:
    found = (re.fullmatch(rf"{WORDS}/(v\d{{6}})\.{suffix}", name) for name in names)
    return sorted(each[1] for each in found if each)


def make_remote_version(
    output: str, keep_versions: int = 3, rebuild: bool = False
) -> tuple[WordsVersion, bool]:
    """As `make_version`, of an s3:// URI: made on this machine, and switched to when all of it is there."""
    with leased(storage.join(output, WORDS, WRITING), LEASE, patience=PATIENCE) as still_ours:
        folder = mirror(output)
        version, _ = make_version(folder, keep_versions, rebuild)
        tags = storage.list_tags(output)
        there, here = _numbered(tags, "db"), version_names(folder / WORDS)
        new = version.version not in there
        if new:
            for name in (f"{version.version}.db", f"{version.version}.json"):
                storage.upload(folder / WORDS / name, storage.join(output, WORDS, name))
            still_ours()
            _point(output, version.version)
        for gone in set(there) - set(here) if new else ():
            for suffix in ("db", "json"):
                storage.remove(storage.join(output, WORDS, f"{gone}.{suffix}"))
    return version, new


def roll_back_remote(output: str) -> WordsVersion:
    """As `roll_back`, of an s3:// URI. Raises UserError when there is no version to go back to."""
    nothing = UserError(f"{output}/{WORDS} has no previous version to go back to.")
    with leased(storage.join(output, WORDS, WRITING), LEASE, patience=PATIENCE):
        tags = storage.list_tags(output)
        if f"{WORDS}/{POINTER}" not in tags:
            raise nothing
        name = _pointed(storage.read_bytes(storage.join(output, WORDS, POINTER)), output)
        now = _version(output, name, tags)
        previous = _version(output, now.previous, tags) if now and now.previous else None
        if previous is None or previous.version not in _numbered(tags, "db"):
            raise nothing
        _point(output, previous.version)
        return previous


def _version(output: str, name: str, tags: dict[str, str]) -> WordsVersion | None:
    if name not in _numbered(tags, "json"):
        return None
    return WordsVersion.model_validate_json(storage.read_bytes(storage.join(output, WORDS, f"{name}.json")))
