"""What has been analysed since the current version was made: one small file an asset, searched exactly.

    <index>/delta/<asset>.<digest>.parquet

`digest` is that of the asset's embeddings.parquet. A version lists the digests it holds: the delta's file of
such a digest has been taken in and counts no longer; any other stands in place of the asset's vectors in the
version. So a version takes its part of the delta in at the moment when the pointer is switched to it, and
not before; that the files are removed afterwards is tidying up.
"""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from containers.common import storage
from containers.common.index.vectors import SCHEMA
from containers.common.index.version import IndexVersion

FOLDER = "delta"
SUFFIX = ".parquet"
PARTS = "parts.parquet"


@dataclass(frozen=True)
class DeltaFile:
    name: str
    asset: str
    digest: str


def name_of(asset: str, digest: str) -> str:
    return f"{asset}.{digest}{SUFFIX}"


def write_delta(index_uri: str, asset: str, digest: str, rows: pa.Table) -> None:
    """Puts an asset's rows (columns of vectors.SCHEMA, of the index's model) in place of what it had.

    No rows: the asset has no vectors of this model any more.
    """
    name = name_of(asset, digest)
    with storage.writing(storage.join(index_uri, FOLDER, name)) as path:
        pq.write_table(rows.select(SCHEMA.names), path)
    for file in list_delta(index_uri, newest=False):
        if file.asset == asset and file.name != name:
            remove_delta(index_uri, file)


def list_delta(index_uri: str, newest: bool = True) -> list[DeltaFile]:
    """The delta's files in the order of writing; of an asset with several only the `newest`, or all."""
    times = storage.list_names(storage.join(index_uri, FOLDER))
    files = []
    for name in sorted(times, key=lambda name: (times[name], name)):
        if name.endswith(SUFFIX):
            asset, digest = name.removesuffix(SUFFIX).rsplit(".", 1)
            files.append(DeltaFile(name, asset, digest))
    return list({file.asset: file for file in files}.values()) if newest else files


def read_delta(index_uri: str, file: DeltaFile) -> pa.Table:
    """Raises StorageError when the file has been taken in and removed meanwhile."""
    with storage.reading(storage.join(index_uri, FOLDER, file.name)) as path:
        return pq.ParquetFile(path).read()


def remove_delta(index_uri: str, file: DeltaFile) -> None:
    storage.remove(storage.join(index_uri, FOLDER, file.name))


def sweep(index_uri: str, held: dict[str, str], without: dict[str, str]) -> None:
    """Removes what the current version has taken in.

    `held`: assets of the version with their digests; `without`: assets that have no vectors of this model.
    """
    for file in list_delta(index_uri, newest=False):
        absent = file.asset not in held and without.get(file.asset) == file.digest
        if held.get(file.asset) == file.digest or absent:
            remove_delta(index_uri, file)


def held_parts(index_uri: str, version: IndexVersion) -> dict[str, str]:
    """The assets that a version holds, with the digests of their embeddings."""
    with storage.reading(storage.join(index_uri, version.version, PARTS)) as path:
        parts = pq.ParquetFile(path).read(["asset", "digest"]).to_pydict()
    return dict(zip(parts["asset"], parts["digest"], strict=True))
