"""An endpoint with the images of `images/`, and boto3 to call them."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import psutil
import pytest
from botocore.config import Config

from deployments.local import LocalEndpoint
from tests.deployments.local.samples import ROOT, sample_image

SESSION = boto3.Session("any", "any", region_name="local")  # its service model loads once


class Caller:
    """`invoke` of boto3 with JSON in and out."""

    def __init__(self, url: str) -> None:
        self.boto3 = SESSION.client(
            "lambda",
            endpoint_url=url,
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=30),
        )

    def __call__(self, image: str, event: Any = None, **options: Any) -> SimpleNamespace:
        started = time.monotonic()
        response = self.boto3.invoke(FunctionName=image, Payload=json.dumps(event).encode(), **options)
        body = response["Payload"].read()
        return SimpleNamespace(
            response=response,
            result=json.loads(body) if body else None,
            error=response.get("FunctionError"),
            seconds=time.monotonic() - started,
        )


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def endpoint(logs: Path) -> Iterator[LocalEndpoint]:
    with LocalEndpoint(sample_image, root=ROOT, logs=logs) as running:
        yield running


@pytest.fixture(scope="module")
def call(endpoint: LocalEndpoint) -> Caller:
    return Caller(endpoint.url)


@pytest.fixture
def open_endpoint(tmp_path: Path) -> Iterator[Callable[..., tuple[LocalEndpoint, Caller]]]:
    """Opens endpoints of a test's own, with its own options; closed after the test."""
    with ExitStack() as stack:

        def start(**options: Any) -> tuple[LocalEndpoint, Caller]:
            options = {"images": sample_image, "root": ROOT, "logs": tmp_path / "logs"} | options
            started = stack.enter_context(LocalEndpoint(**options))
            return started, Caller(started.url)

        yield start


@pytest.fixture(scope="session")
def gone() -> Callable[[list[int]], bool]:
    """Whether all these processes end within a minute."""

    def wait(pids: list[int]) -> bool:
        deadline = time.monotonic() + 60
        while any(_runs(pid) for pid in pids):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    return wait


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
