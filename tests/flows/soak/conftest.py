"""What campaigns of several machines share."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest


@pytest.fixture
def shared(aws: str) -> Iterator[Any]:
    """A bucket that keeps every version of every object."""
    bucket = boto3.resource("s3").Bucket("shared")
    bucket.create()
    bucket.Versioning().enable()
    yield bucket
    bucket.object_versions.delete()
    bucket.delete()
