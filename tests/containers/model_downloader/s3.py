"""A bucket of moto's server, for the real boto3 of this process and of those that it starts."""

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from moto.server import ThreadedMotoServer

from containers.common import storage
from containers.common.models import store as models
from containers.common.models import store_cache, store_s3


@contextmanager
def serving() -> Iterator[tuple[dict[str, str], str]]:
    """(environment, `s3://` prefix) of an empty store."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        storage._s3.cache_clear()
        client = boto3.client("s3")
        for bucket in client.list_buckets()["Buckets"]:  # moto keeps one state for the process
            for item in client.list_objects_v2(Bucket=bucket["Name"]).get("Contents", []):
                client.delete_object(Bucket=bucket["Name"], Key=item["Key"])
        client.create_bucket(Bucket="models")
        forget()
        yield environment, "s3://models/store"
    server.stop()
    storage._s3.cache_clear()
    forget()


def forget() -> None:
    """As a new process would: nothing of a store is known."""
    models.catalogue.cache_clear()
    models.open_model.cache_clear()
    store_s3.forget_listing()
    store_cache.release()
