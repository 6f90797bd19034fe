"""`make serve` for tests: its processes, and the REST API that the UI uses."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.server.ask import asking

ROOT = Path(__file__).parents[2]
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class Server:
    """The REST API that the UI uses."""

    def __init__(self, port: int, secret: Path) -> None:
        """`secret`: the file that holds it."""
        self.url = f"http://127.0.0.1:{port}"
        self.secret = secret.read_text().strip()
        self._client = asking(f"{self.url}/api", self.secret)

    @property
    def variables(self) -> dict[str, str]:
        """With which another process's commands ask it."""
        return {"PREFECT_API_URL": f"{self.url}/api", "PREFECT_API_AUTH_STRING": self.secret}

    def call(self, method: str, path: str, **body: object) -> Any:
        return self.send(method, path, body or None)

    def send(self, method: str, path: str, body: object) -> Any:
        answer = self._client.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Prefect's client, in this process, asks this server."""
        from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

        asked = {PREFECT_API_URL: f"{self.url}/api", PREFECT_API_AUTH_STRING: self.secret}
        with temporary_settings(asked):
            yield

    def deployment(self, name: str) -> dict[str, Any]:
        (found,) = [entry for entry in self.call("POST", "/deployments/filter") if entry["name"] == name]
        return found

    def start(self, deployment: str, **parameters: object) -> dict[str, Any]:
        """Starts a deployment as the form does."""
        found = self.deployment(deployment)
        return self.call("POST", f"/deployments/{found['id']}/create_flow_run", parameters=parameters)

    def run(self, deployment: str, patience: float = 500, **parameters: object) -> dict[str, Any]:
        """The same, and waits for the run's end."""
        return self.end_of(self.start(deployment, **parameters), patience)

    def end_of(self, started: dict[str, Any], patience: float = 500) -> dict[str, Any]:
        deadline = time.monotonic() + patience
        run = started
        while time.monotonic() < deadline:
            run = self.call("GET", f"/flow_runs/{started['id']}")
            if run["state_type"] in ENDED:
                return run
            time.sleep(0.5)
        raise TimeoutError(f"{run['name']} is still {run['state_name']}")

    def of_run(self, kind: str, run: dict[str, Any]) -> list[dict[str, Any]]:
        """The run's task runs, logs or artifacts, oldest first."""
        wanted = {"flow_run_id": {"any_": [run["id"]]}}
        if kind == "task_runs":
            return self.call("POST", "/task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
        return self.call("POST", f"/{kind}/filter", **{kind: wanted})


@contextmanager
def serving(home: Path, **environment: str) -> Iterator[tuple[Server, "subprocess.Popen[bytes]"]]:
    """`make serve` with a home of its own, on a free port; what it prints is in `home`/serve.log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    own = {name: value for name, value in os.environ.items() if name != "MEDIAFLOW_KEEP_WARM"}
    variables = {**own, **environment, "PREFECT_HOME": str(home), "PREFECT_API_URL": url}
    log = home / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.serve"],
            cwd=ROOT,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 900
        while "Ready: " not in log.read_text():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.5)
        yield Server(port, home / "mediaflow-secrets" / f"127.0.0.1-{port}"), process
        os.killpg(process.pid, signal.SIGINT)  # Ctrl-C in a terminal
        assert process.wait(timeout=60) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
