"""A whole store checked again: every asset folder, the search indexes, and drift; local or on S3."""

import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from containers.common import storage
from containers.common.errors import NothingThere, StorageError
from containers.common.inside import inside
from tasks.asset.bucket import Location, absolute, is_remote, work_folder
from tasks.asset.folder import MANIFEST, QUALITY
from tasks.checks import docs, drift, remembered
from tasks.checks.check import document_tables
from tasks.checks.drift_picture import draw_drift
from tasks.checks.index_tables import Vectors, index_tables
from tasks.checks.page import render_quality
from tasks.checks.reading import UNREADABLE
from tasks.checks.tables import Tables, damaged, join, tables_of
from tasks.checks.verdicts import Quality

FOLDER = "quality"
BASELINE = "baseline.parquet"
ENOUGH = 50  # assets that make a baseline by themselves
RESULTS = "validations/"  # of the site
AT_ONCE = 8  # transfers
READ = {".json", ".srt", ".vtt"}


class StoreCheck(NamedTuple):
    quality: Quality
    page: str  # path or s3:// URI of the page with everything
    assets: int
    baseline: int  # assets in it; 0 while there is none


class _Asset(NamedTuple):
    tables: Tables
    measured: drift.Frame
    vectors: Vectors
    media: str


def check_store(output: Location, days: int = 28, new_baseline: bool = False) -> StoreCheck:
    """The verdicts over all asset folders of `output`, its indexes and what drifts; writes `output`/quality.

    What the last `days` measured is compared with a baseline, which is kept in quality/baseline.parquet: all
    assets that there are when there are enough of them first, or when `new_baseline` is set. Raises
    NothingThere when there is no asset folder.
    """
    place = absolute(output)
    assets = {name: _read(name, folder) for name, folder in _asset_folders(place)}
    if not assets:
        raise NothingThere(f"There is no asset folder in {output}.")
    vectors = {name: asset.vectors for name, asset in assets.items()}
    tables = join([asset.tables for asset in assets.values()])
    tables |= index_tables(storage.join(place, "index"), vectors)
    measured = drift.join_measures(asset.measured for asset in assets.values())
    folder = _quality_folder(place)
    baseline = _baseline(place, measured, new_baseline)
    recent = drift.recent_of(measured, baseline, datetime.now(UTC), days)
    tables["drift"] = drift.drift_table(baseline, recent)
    quality, site = document_tables(tables, folder)
    picture = draw_drift(measured, baseline, recent, tables["drift"])
    storage.write_bytes(storage.join(folder, "drift.png"), picture)
    counted = baseline["asset"].nunique()
    checks = remembered.remember(storage.join(place, FOLDER), quality, len(assets))
    media = {name: asset.media for name, asset in assets.items()}
    page = render_quality(quality, picture, site.relative_to(folder), media, counted, days, checks)
    storage.write_bytes(storage.join(folder, "index.html"), page.encode())
    if is_remote(place):
        _upload(folder, storage.join(place, FOLDER))
    return StoreCheck(quality, f"{place}/{FOLDER}/index.html", len(assets), counted)


def _asset_folders(place: Location) -> Iterator[tuple[str, Path]]:
    """Name and folder on this machine of every complete asset folder; a downloaded one is removed again."""
    uri = storage.as_uri(place)
    for name in storage.list_folders(uri):
        if name.startswith("."):
            continue
        if not is_remote(place):
            if Path(place, name, MANIFEST).is_file():
                yield name, Path(place, name)
        elif MANIFEST in storage.list_names(storage.join(uri, name)):
            with _downloaded(storage.join(uri, name)) as folder:
                yield name, folder


@contextmanager
def _downloaded(uri: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda name: _download(uri, name, Path(folder)), storage.list_sizes(uri)))
        yield Path(folder)


def _download(uri: str, name: str, folder: Path) -> None:
    target = inside(folder, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    storage.download(storage.join(uri, name), target)


def _read(name: str, folder: Path) -> _Asset:
    """A damaged asset is a finding like any other: what cannot be read of it says so, the rest is checked.

    Where its manifest says of no media, it is named by its folder.
    """
    files = (path for path in sorted(folder.iterdir()) if path.suffix in READ and path.is_file())
    documents = {path.name: path.read_bytes() for path in files}
    try:
        manifest = json.loads(documents[MANIFEST])
        vectors, media = _vectors(manifest, documents), str(manifest["media"]["name"])
    except UNREADABLE as error:
        why = f"{type(error).__name__}: {error}"
        return _Asset(damaged(name, why), drift.NOTHING, Vectors({}, blocked=True, wanted=False), name)
    tables = tables_of(name, documents, folder / "embeddings.parquet", manifest, folder)
    try:
        read = {file: json.loads(text) for file, text in documents.items() if file.endswith(".json")}
        measured = drift.measure(name, read, manifest)
    except UNREADABLE:  # which of them, and why, the tables say
        measured = drift.NOTHING
    return _Asset(tables, measured, vectors, media)


def _vectors(manifest: dict[str, Any], documents: dict[str, bytes]) -> Vectors:
    unchecked = any(stage["name"] == "check" and stage["status"] == "failed" for stage in manifest["stages"])
    found = Quality.model_validate_json(documents[QUALITY]) if QUALITY in documents else None
    return Vectors(
        by_model=manifest["embeddings"],
        blocked=unchecked or bool(found and found.blocked),
        wanted=manifest["options"].get("index", True),
    )


def _quality_folder(place: Location) -> Path:
    """Where the site is made, and earlier checks are kept: for S3 a folder on this machine."""
    return Path(work_folder(str(place)) if is_remote(place) else place) / FOLDER


def _baseline(place: Location, measured: drift.Frame, new: bool) -> drift.Frame:
    uri = storage.join(place, FOLDER, BASELINE)
    if not new:
        try:
            with storage.reading(uri) as path:
                return pd.read_parquet(path)
        except StorageError:
            if BASELINE in storage.list_names(storage.join(place, FOLDER)):
                raise
    if not new and measured["asset"].nunique() < ENOUGH:
        return measured.iloc[:0]
    with storage.writing(uri) as path:
        measured.to_parquet(path, index=False)
    return measured


def _upload(folder: Path, uri: str) -> None:
    """The page, the picture and the site; what it links comes before it. Results do not change any more."""
    site = folder / docs.PLACE
    names = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    there = storage.list_sizes(storage.join(uri, docs.PLACE))
    wanted = [f"{docs.PLACE}/{name}" for name in names if name not in there or not name.startswith(RESULTS)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        send = [*wanted, "drift.png"]
        list(pool.map(lambda name: storage.upload(folder / name, storage.join(uri, name)), send))
    storage.upload(folder / "index.html", storage.join(uri, "index.html"))
    for name in there.keys() - names:
        storage.remove(storage.join(uri, docs.PLACE, name))
