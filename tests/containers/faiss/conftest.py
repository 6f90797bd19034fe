"""A folder for an index, and vectors to put in it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tasks.outputs.embeddings import write_embeddings

MODEL = "face-model"


@pytest.fixture
def index_uri(tmp_path) -> str:
    return (tmp_path / "index").as_uri()


@pytest.fixture
def vectors_of(tmp_path) -> Callable[..., str]:
    """Writes `count` random vectors of an asset to Parquet and returns the file's URI."""

    def write(asset: str, count: int = 3, dimension: int = 8, seed: int = 0, model: str = MODEL) -> str:
        values = np.random.default_rng(seed).standard_normal((count, dimension)).tolist()
        return write_vectors(tmp_path, asset, values, model)

    return write


@pytest.fixture
def parquet(tmp_path) -> Callable[..., str]:
    """Writes the given vectors of an asset to Parquet and returns the file's URI."""
    return lambda asset, values, model=MODEL: write_vectors(tmp_path, asset, values, model)


def write_vectors(folder: Path, asset: str, values: list, model: str) -> str:
    path = folder / f"{asset}.parquet"
    rows = [
        {"model": model, "vector": vector, "metadata": {"time": number}}
        for number, vector in enumerate(values)
    ]
    write_embeddings(path, asset, rows)
    return path.as_uri()
