"""S3 as the Node image meets it: it goes away and comes back. Of moto, and of a server that breaks off."""

import os
import socket
import subprocess
import threading

import boto3
from moto import mock_aws
from moto.server import ThreadedMotoServer

from containers.faceapi.install import FOLDER
from tests.containers.faceapi.conftest import NODE

READ = """
import { readIfThere } from "./storage.mjs";
await readIfThere("s3://media/picture.jpg").then(
  (content) => console.log(String(content)),
  (error) => console.log(`${error.name}: ${error.message}`));
"""
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "us-east-1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def reading(port: int, **more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [NODE, "--input-type=module", "--eval", READ],
        cwd=FOLDER,
        env=os.environ | KEYS | {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}"} | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_bucket_that_is_away_is_waited_for_and_told() -> None:
    port = free_port()
    run = reading(port)
    with mock_aws():  # moto's servers of one process have one content
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="media")
        s3.put_object(Bucket="media", Key="picture.jpg", Body=b"a picture")
        assert run.stderr
        line = run.stderr.readline()
        assert line.startswith("S3 does not answer (connect ECONNREFUSED"), line
        server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
        server.start()
        said, complaints = run.communicate(timeout=60)
        server.stop()
    assert (said, complaints) == ("a picture\n", "")


def test_an_answer_that_is_cut_off_is_asked_for_again() -> None:
    whole = b"a picture"

    def serve(server: socket.socket) -> None:
        for content in (whole[:3], whole):
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(whole)}\r\n\r\n".encode())
                connection.sendall(content)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        said, complaints = reading(server.getsockname()[1]).communicate(timeout=60)
    assert (said, complaints) == ("a picture\n", "")


def test_whoever_has_set_how_often_to_try_is_obeyed() -> None:
    said, _ = reading(free_port(), AWS_MAX_ATTEMPTS="1").communicate(timeout=60)
    assert said.startswith("StorageError: s3://media/picture.jpg cannot be read: connect ECONNREFUSED")
