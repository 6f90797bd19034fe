"""An index on S3 is what it is on disk: built, added to, rolled back and searched there."""

import pytest
from moto import mock_aws

from containers.common import storage
from containers.common.errors import UserError
from containers.common.storage import local_path
from containers.faiss.app import handler


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


def test_search_on_s3(bucket, index_uri, parquet):
    event = {"action": "build", "index_uri": index_uri, "vectors": [parquet("a", [[1, 0], [0, 1]])]}
    handler({**event, "model": "face-model"}, None)
    folder = local_path(index_uri)
    for path in folder.rglob("*"):
        if path.is_file() and path.name != ".lock":
            bucket.upload_file(str(path), "indexes", f"faces/{path.relative_to(folder)}")
    query = {"action": "search", "index_uri": "s3://indexes/faces", "vectors": [[0, 1]], "k": 1}
    assert handler(query, None)["result"]["matches"][0][0]["id"] == "a#1"


def test_no_index_on_s3(bucket):
    with pytest.raises(UserError, match="There is no index at s3://indexes/nothing"):
        handler({"action": "search", "index_uri": "s3://indexes/nothing", "vectors": [[1]]}, None)
