"""What a re-index has to take in: the embeddings of every asset below an output folder, by model."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import Timeout
from prefect import task

from containers.common import storage
from containers.common.errors import NothingThere, UserError
from containers.common.index.delta import list_delta, remove_delta
from containers.common.index.version import EmbeddingsFile
from containers.common.index.versions import pointer
from containers.common.locks import held
from containers.common.models.store import sha256_of
from tasks.asset.folder import LEASE, MANIFEST, RUNNING, Asset, explain_disk
from tasks.asset.lease import leased

EMBEDDINGS = "embeddings.parquet"
FOUND = "found.json"  # in the cache of what was published: tasks/stages/publish


@contextmanager
def reindexing_alone(output: Path, on_wait: Callable[[], None], remote: str | None = None) -> Iterator[None]:
    """One re-index of `output` at a time, from collecting to switching; `on_wait` is called when one waits.

    One that collected before another switched would take out again what that one took in meanwhile. With
    `remote`, the s3:// URI of which `output` is this machine's side, one among all machines.
    Raises NothingThere when `output` is no folder, StorageError when it cannot be written.
    """
    if not output.is_dir():
        raise NothingThere(f"There is no folder {output}.")
    with ExitStack() as ours:
        with explain_disk(output):
            (output / ".cache").mkdir(exist_ok=True)
            path = output / ".cache" / "reindex.lock"
            ours.enter_context(held(path, "another re-index", say=lambda _: on_wait(), quiet=0))
        if remote:
            ours.enter_context(leased(storage.join(remote, RUNNING, "reindex"), LEASE, on_wait=on_wait))
        yield


@task
def collect(output: Path, remote: str | None = None) -> dict[str, list[EmbeddingsFile]]:
    """Every asset's part, for each model that an asset or an index of `output` has.

    `remote`: the s3:// URI of which `output` is this machine's side, as `tasks.words.remote` has it.

    An asset without vectors of a model is listed with no rows, and so is one whose results broke a critical
    rule or could not be checked. Assets that were analysed without the index, and folders that were removed,
    are not listed. Raises UserError when `output` is no folder.
    """
    if not output.is_dir():
        raise UserError(f"There is no folder {output}.")
    counts: dict[str, Counter[str]] = {}
    digests: dict[str, str] = {}
    for folder in sorted(output.iterdir()):
        there = (folder / EMBEDDINGS).is_file() or (remote and (folder / MANIFEST).is_file())
        if re.fullmatch("[0-9a-f]{16}", folder.name) and there:
            described = _describe(Asset(output=output, id=folder.name))
            if described:
                counts[folder.name], digests[folder.name] = described
    models = {model for counted in counts.values() for model in counted}
    indexes = storage.join(remote or output, "index")
    models |= {
        name for name in storage.list_folders(indexes) if pointer(storage.join(indexes, name)) is not None
    }
    parts = defaultdict(list)
    for model in sorted(models):
        for asset, counted in counts.items():
            uri = storage.join(remote or output, asset, EMBEDDINGS)
            parts[model].append(
                EmbeddingsFile(asset=asset, uri=uri, digest=digests[asset], rows=counted[model])
            )
    return {model: parts[model] for model in sorted(models)}


def _describe(asset: Asset) -> tuple[Counter[str], str] | None:
    """Vectors by model, and the digest of the file; None for an asset that is not to be searched."""
    manifest = asset.manifest()
    if manifest and not manifest.options.get("index", True):
        return None
    entry = manifest and manifest.files.get(EMBEDDINGS)
    if manifest and entry:
        return Counter({} if asset.blocked(manifest) else manifest.embeddings), entry.sha256
    path = asset.folder / EMBEDDINGS
    if not path.is_file():  # on S3, and not analysed into vectors
        return None
    # The manifest is damaged: the file speaks for itself
    try:
        models = pq.ParquetFile(path).read(["model"])["model"].to_pylist()
    except (pa.ArrowInvalid, KeyError) as error:
        raise UserError(f"{path} is not a Parquet file of vectors: {error}.") from error
    return Counter(models), sha256_of(path)


def _indexes(output: Path) -> list[Path]:
    folder = output / "index"
    return [path for path in sorted(folder.iterdir()) if path.is_dir()] if folder.is_dir() else []


@task
def drop_orphans(output: Path) -> int:
    """Removes from the delta what belongs to assets that are gone, and returns how many files that were.

    Their caches go too. An asset being analysed is not there yet, and holds its lock.
    """
    drop_caches(output)
    dropped = 0
    for index in _indexes(output):
        for file in list_delta(index.as_uri(), newest=False):
            asset = Asset(output=output, id=file.asset)
            if asset.folder.exists():
                continue
            asset.lock_path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with held(asset.lock_path, "its analysis", patience=0):
                    if not asset.folder.exists():
                        remove_delta(index.as_uri(), file)
                        dropped += 1
            except Timeout:
                continue
    return dropped


def drop_caches(output: Path) -> int:
    """Removes what was kept between runs of assets that had been published and are gone, vectors and pictures
    of people among it, and returns of how many. An asset being analysed holds its lock.
    """
    dropped = 0
    for found in sorted(output.glob(f".cache/*/{FOUND}")):
        asset = Asset(output=output, id=found.parent.name)
        if asset.folder.exists():
            continue
        try:
            with held(asset.lock_path, "its analysis", patience=0):
                if not asset.folder.exists():
                    asset.forget()
                    dropped += 1
        except Timeout:
            continue
    return dropped


def write_parts(parts: list[EmbeddingsFile], path: Path) -> None:
    """As a ReindexRequest wants them: too many for a request itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {name: [getattr(part, name) for part in parts] for name in EmbeddingsFile.model_fields}
    schema = pa.schema([(name, pa.int64() if name == "rows" else pa.string()) for name in columns])
    pq.write_table(pa.table(columns, schema=schema), path)
