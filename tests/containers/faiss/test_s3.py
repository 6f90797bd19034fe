"""An index on S3 is what it is on disk: built, added to, rolled back and searched there."""

import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from containers.common import storage
from containers.common.errors import StorageError, UserError
from containers.common.index import remote, versions
from containers.common.index.delta import list_delta, write_delta
from containers.common.index.vectors import read_rows
from containers.faiss.app import handler

INDEX = "s3://indexes/faces"
MODEL = "face-model"


@pytest.fixture
def bucket(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    storage._s3.cache_clear()
    with mock_aws():
        s3 = storage._s3()
        s3.create_bucket(Bucket="indexes", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        yield s3
    storage._s3.cache_clear()


def keys(bucket):
    return {item["Key"] for item in bucket.list_objects_v2(Bucket="indexes").get("Contents", [])}


def update(action, *vectors, **options):
    event = {"action": action, "index_uri": INDEX, "vectors": list(vectors), "model": MODEL, **options}
    return handler(event, None)["result"]


def found():
    event = {"action": "search", "index_uri": INDEX, "vectors": [[1.0] * 8], "k": 100}
    assets = [match["asset"] for match in handler(event, None)["result"]["matches"][0]]
    return {asset: assets.count(asset) for asset in assets}


def test_built_added_to_and_rolled_back(bucket, vectors_of):
    update("build", vectors_of("a"))
    assert found() == {"a": 3}
    update("add", vectors_of("b", 2, seed=1))
    assert found() == {"a": 3, "b": 2}
    event = {"action": "rollback", "index_uri": INDEX}
    assert handler(event, None)["result"]["version"] == "v000001"
    assert found() == {"a": 3}


def test_a_reindex_takes_the_delta_in(bucket, vectors_of, tmp_path):
    uri = vectors_of("a")
    write_delta(INDEX, "a", "1", read_rows([uri], MODEL))
    assert found() == {"a": 3}
    part = {"asset": "a", "uri": uri, "digest": "1", "rows": 3}
    pq.write_table(pa.Table.from_pylist([part]), tmp_path / "parts.parquet")
    event = {"action": "reindex", "index_uri": INDEX, "model": MODEL}
    handler({**event, "parts": (tmp_path / "parts.parquet").as_uri()}, None)
    assert (found(), list_delta(INDEX)) == ({"a": 3}, [])


def test_of_two_writers_at_once_the_first_wins(bucket, vectors_of):
    """Both begin with the same pointer; the one that ends last must not undo the other's version."""
    update("build", vectors_of("a"))
    with versions.drafting(INDEX) as slow:
        with versions.drafting(INDEX) as other:
            assert other.name != slow.name
        update("add", vectors_of("b", 2, seed=1))
        made = versions.manifest(INDEX, "v000001")
        with pytest.raises(StorageError, match="Another writer switched s3://indexes/faces/current"):
            versions.publish(slow, made.model_copy(update={"version": slow.name}), 2)
    assert found() == {"a": 3, "b": 2}


def test_two_first_writers(bucket, vectors_of):
    with versions.drafting(INDEX) as slow:
        built = update("build", vectors_of("a"))
        with pytest.raises(StorageError, match="Another writer"):
            versions.publish(slow, versions.manifest(INDEX, built["version"]), 2)
    assert found() == {"a": 3}


def test_old_versions_go_but_not_vectors_that_are_in_use(bucket, vectors_of):
    update("build", vectors_of("a"))
    for number in range(3):
        update("add", vectors_of(f"b{number}", 2, seed=number + 1), keep_versions=2)
    assert "faces/v000001/vectors.f32" in keys(bucket)
    assert "faces/v000001/index.faiss" not in keys(bucket)
    assert sum(found().values()) == 9


def test_what_a_dead_writer_left_goes_after_a_day(bucket, vectors_of, monkeypatch):
    abandoned = remote.claim(INDEX)
    update("build", vectors_of("a"))
    assert abandoned in storage.list_folders(INDEX), "it may be at work still"
    tomorrow = time.time() + 2 * remote.ABANDONED
    monkeypatch.setattr(remote.time, "time", lambda: tomorrow)
    update("build", vectors_of("a"))
    assert abandoned not in storage.list_folders(INDEX)


def test_no_index_on_s3(bucket):
    with pytest.raises(UserError, match="There is no index at s3://indexes/nothing"):
        handler({"action": "search", "index_uri": "s3://indexes/nothing", "vectors": [[1]]}, None)
