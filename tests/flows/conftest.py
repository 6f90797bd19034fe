"""S3 as flows see it: moto's server, told to boto3 by its own variables."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import soundfile
from moto.server import ThreadedMotoServer

from containers.common import storage
from tests.flows.serving import Server, serving


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


@pytest.fixture(scope="session")
def moto_variables(aws_url: str) -> dict[str, str]:
    """What points a process at moto's server."""
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "testing")
    return {"AWS_ENDPOINT_URL": aws_url, "AWS_DEFAULT_REGION": "us-east-1", **keys}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, moto_variables: dict[str, str]) -> Iterator[Server]:
    """`make serve`, once for all tests that need it."""
    with serving(tmp_path_factory.mktemp("prefect"), **moto_variables) as (running, _):
        yield running


@pytest.fixture(scope="session")
def clip(speech_wav: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 s of the telephone call, in which both speak."""
    path = tmp_path_factory.mktemp("media") / "clip.wav"
    samples, rate = soundfile.read(speech_wav)
    soundfile.write(path, samples[6 * rate : 10 * rate], rate)
    return path


@pytest.fixture(scope="session")
def analysed(server: Server, clip: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The clip's run, started from the form."""
    return server.run("analyze", media=str(clip), output=str(tmp_path_factory.mktemp("out")))
