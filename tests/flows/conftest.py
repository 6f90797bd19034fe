"""S3 as flows see it: moto's server, told to boto3 by its own variables."""

import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from containers.common import storage


@pytest.fixture(scope="session")
def aws_url() -> Iterator[str]:
    """moto's server, for every AWS service."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def aws(aws_url: str) -> Iterator[str]:
    """moto's server emptied, and this process and its children pointed at it."""
    variables = {
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        storage._s3.cache_clear()
        boto3.client("s3")  # fails here and not in a test when the variables are wrong
        yield aws_url
    storage._s3.cache_clear()
    assert "AWS_ENDPOINT_URL" not in os.environ


@pytest.fixture(scope="module")
def bucket(aws: str) -> Any:
    """An empty bucket named `media`."""
    store = boto3.resource("s3").Bucket("media")
    store.create()
    yield store
    store.objects.all().delete()
    store.delete()
