"""An asset's vectors: written once by the flow, read by people and by the faiss image."""

import pyarrow.parquet as pq
import pytest

from containers.common.errors import StorageError
from containers.common.index.vectors import SCHEMA, read_rows
from tasks.outputs.embeddings import read_embeddings, write_embeddings

FACE = {"model": "facenet", "vector": [0.5] * 512, "metadata": {"kind": "face", "time": 1.5}}
VOICE = {"model": "ge2e", "vector": [0.25] * 256, "metadata": {"speaker": "화자 1"}}


def test_what_is_written_is_read_back(tmp_path):
    assert write_embeddings(tmp_path / "embeddings.parquet", "a1b2", [FACE, VOICE]) == 2
    face, voice = read_embeddings(tmp_path / "embeddings.parquet")
    assert face == {"id": "a1b2#0", "asset": "a1b2", **FACE}
    assert voice == {"id": "a1b2#1", "asset": "a1b2", **VOICE}


def test_one_models_rows(tmp_path):
    write_embeddings(tmp_path / "embeddings.parquet", "a1b2", [FACE, VOICE, FACE])
    ids = [row["id"] for row in read_embeddings(tmp_path / "embeddings.parquet", model="facenet")]
    assert ids == ["a1b2#0", "a1b2#2"]


def test_columns_are_exactly_those_that_the_faiss_image_reads(tmp_path):
    path = tmp_path / "embeddings.parquet"
    write_embeddings(path, "a1b2", [FACE])
    assert pq.read_schema(path).equals(SCHEMA)
    assert SCHEMA.names == ["id", "asset", "model", "vector", "metadata"]
    assert len(read_rows([path.as_uri()], "facenet")) == 1


def test_an_asset_without_vectors(tmp_path):
    assert write_embeddings(tmp_path / "embeddings.parquet", "a1b2", []) == 0
    assert read_embeddings(tmp_path / "embeddings.parquet") == []


def test_metadata_is_optional(tmp_path):
    write_embeddings((tmp_path / "e.parquet").as_uri(), "a1b2", [{"model": "m", "vector": [1.0]}])
    assert read_embeddings((tmp_path / "e.parquet").as_uri())[0]["metadata"] == {}


def test_no_file(tmp_path):
    with pytest.raises(StorageError, match="There is no file at"):
        read_embeddings(tmp_path / "embeddings.parquet")
