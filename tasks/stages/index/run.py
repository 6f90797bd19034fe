"""An asset's vectors into the search index: a small file beside it, which the next re-index takes in."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from prefect import task
from prefect.transactions import Transaction, get_transaction

from containers.common import storage
from containers.common.errors import UserError
from containers.common.index.delta import FOLDER, held_parts, list_delta, remove_delta, write_delta
from containers.common.index.vectors import SCHEMA, matrix_of, metric_of, read_rows
from containers.common.index.versions import current
from containers.common.models.store import sha256_of
from tasks.stages.output import StageOutput


class IndexedAsset(StageOutput):
    vectors: dict[str, int] = {}  # by model

    @property
    def summary(self) -> str:
        return ", ".join(f"{count} vectors of {model}" for model, count in self.vectors.items()) or (
            "nothing to add"
        )


def _remember(index_uri: str, asset: str) -> tuple[str, str, dict[str, bytes]]:
    names = [file.name for file in list_delta(index_uri, newest=False) if file.asset == asset]
    return (
        index_uri,
        asset,
        {name: storage.read_bytes(storage.join(index_uri, FOLDER, name)) for name in names},
    )


@task
def index(asset: str, embeddings: Path, models: list[str], folder: str | Path) -> IndexedAsset:
    """Makes the asset's vectors searchable in `folder`/<model>, one index per embedding model.

    `folder` is a path or a URI. Costs what the asset has, however large the index is. Indexes of other
    models lose what an earlier analysis of this asset had put there. Raises UserError for vectors that an
    index cannot hold.
    """
    digest = sha256_of(embeddings)
    if (txn := get_transaction()) is not None:
        known = {*storage.list_folders(storage.as_uri(folder)), *models}
        txn.set("before", [_remember(storage.join(folder, model), asset) for model in known])
    withdraw(asset, digest, folder, but=models)
    output = IndexedAsset()
    for model in sorted(models):
        index_uri = storage.join(folder, model)
        rows = read_rows([embeddings.as_uri()], model)
        check_vectors(rows, index_uri, model)
        write_delta(index_uri, asset, digest, rows)
        output.vectors[model] = len(rows)
    return output


def withdraw(asset: str, digest: str, folder: str | Path, but: Sequence[str] = ()) -> None:
    """No search finds the asset from now on, except in the indexes of the models `but`.

    `digest` is that of the asset's embeddings.parquet, which the next re-index sees too.
    """
    for model in storage.list_folders(storage.as_uri(folder)):
        index_uri = storage.join(folder, model)
        if model not in but and has_asset(index_uri, asset):
            write_delta(index_uri, asset, digest, SCHEMA.empty_table())


@index.on_rollback
def restore(txn: Transaction) -> None:
    """Puts back what the search found of the asset before `index`: the asset was not published after it."""
    for index_uri, asset, files in txn.get("before", []):
        for name, content in files.items():
            storage.write_bytes(storage.join(index_uri, FOLDER, name), content)
        for file in list_delta(index_uri, newest=False):
            if file.asset == asset and file.name not in files:
                remove_delta(index_uri, file)


def check_vectors(rows: pa.Table, index_uri: str, model: str) -> None:
    """Refuses here what every later search of the index would trip over. Raises UserError."""
    dimension = matrix_of(rows, metric_of(model)).shape[1]
    version = current(index_uri)
    if version and version.dimension != dimension:
        raise UserError(
            f"The index of {model} holds vectors of {version.dimension} dimensions, not of {dimension}."
        )


def has_asset(index_uri: str, asset: str) -> bool:
    """Whether a search of the index may find vectors of the asset."""
    if any(file.asset == asset for file in list_delta(index_uri)):
        return True
    version = current(index_uri)
    return version is not None and asset in held_parts(index_uri, version)
