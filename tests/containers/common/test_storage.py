"""What S3 does to us, on moto's server: it goes away and comes back."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from moto.server import ThreadedMotoServer

from containers.common import s3, storage
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
    monkeypatch.setattr(s3, "_told", float("-inf"))
    s3.use_s3(None)
    yield free
    s3.use_s3(None)


def test_a_bucket_that_is_away_is_waited_for_and_told(port, capfd, monkeypatch):
    monkeypatch.setattr(s3, "SILENT", 0.0)
    monkeypatch.setattr(s3, "PAUSE", 0.5)
    before, server = (ThreadedMotoServer("127.0.0.1", port, verbose=False) for _ in range(2))
    before.start()
    boto3.client("s3").create_bucket(Bucket="media")  # both have it: moto's state is the process's
    before.stop()
    back = threading.Timer(2, server.start)
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


def test_many_requests_at_once_all_outlive_the_same_minute(port, capfd, monkeypatch):
    """botocore's own retries share a budget, which sixty of them use up within seconds."""
    monkeypatch.setattr(s3, "PAUSE", 0.1)
    monkeypatch.setattr(s3, "SILENT", 0.0)
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    back = threading.Timer(4, server.start)
    back.start()
    storage._s3()
    with ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(lambda _: storage._s3().list_buckets()["Buckets"], range(60)))
    assert len(answers) == 60
    server.stop()
    assert len(capfd.readouterr().err.splitlines()) == 1, "all of them wait for the same"


def test_one_that_stays_away_is_one_sentence_in_the_end(port, monkeypatch):
    monkeypatch.setattr(s3, "AWAY", 1)
    monkeypatch.setattr(s3, "PAUSE", 0.2)
    with pytest.raises(StorageError, match=r"^s3://media/out cannot be read: Could not connect"):
        storage.read_tagged("s3://media/out")


def test_an_answer_that_is_cut_off_is_asked_for_again(port):
    """Of a small object, which is read whole: a manifest, a pointer, a lease."""
    answers = [b"half", b"whole: done"]

    def serve() -> None:
        with socket.create_server(("127.0.0.1", port)) as server:
            for content in answers:
                connection, _ = server.accept()
                with connection:
                    connection.recv(65_536)
                    head = f'HTTP/1.1 200 OK\r\nContent-Length: {len(answers[1])}\r\nETag: "1"\r\n\r\n'
                    connection.sendall(head.encode() + content)

    serving = threading.Thread(target=serve)
    serving.start()
    time.sleep(0.2)
    assert storage.read_tagged("s3://media/out/manifest.json") == (b"whole: done", '"1"')
    serving.join()
