"""What S3 does to us, on moto's server: it goes away and comes back."""

import socket
import threading
import time
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from containers.common import storage
from containers.common.errors import StorageError


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where S3 shall be; nobody answers there yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    storage.use_s3(None)
    yield free
    storage.use_s3(None)


def test_a_bucket_that_is_away_is_waited_for_and_told(port, capfd, monkeypatch):
    monkeypatch.setattr(storage, "TOLD_AT", 1)
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)

    def come_back() -> None:
        time.sleep(1)
        server.start()
        boto3.client("s3").create_bucket(Bucket="media")

    back = threading.Thread(target=come_back)
    back.start()
    assert storage.list_objects("s3://media/out") == {}
    back.join()
    server.stop()
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("S3 does not answer (Could not connect to the endpoint URL: ")


def test_whoever_has_set_how_often_to_try_is_obeyed(port, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StorageError, match="cannot be read"):
        storage.read_tagged("s3://media/out/manifest.json")
    assert storage._s3().meta.config.retries["total_max_attempts"] == 1
