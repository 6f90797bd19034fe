"""`make serve`: a Prefect server with its UI, and this project's flows ready to be started from it."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack

import httpx

API_URL = os.environ.setdefault("PREFECT_API_URL", "http://127.0.0.1:4200/api")


def main() -> None:
    """Uses the server of PREFECT_API_URL when it answers, and starts one there otherwise."""
    with ExitStack() as started:
        if not _answers():
            address = httpx.URL(API_URL)
            command = [
                "-m",
                "prefect",
                "server",
                "start",
                "--host",
                address.host,
                "--port",
                str(address.port),
            ]
            server = subprocess.Popen([sys.executable, *command])
            started.callback(server.wait)
            started.callback(server.terminate)
            while not _answers():
                if server.poll() is not None:
                    sys.exit(f"The Prefect server did not start; is port {address.port} taken?")
                time.sleep(0.5)
        from prefect import serve
        from prefect.deployments.runner import RunnerDeployment

        from flows.analyze.flow import analyze
        from flows.fetch_models import models

        serve(
            RunnerDeployment.from_flow(analyze, "analyze", tags=["media"]),
            RunnerDeployment.from_flow(models, "models", tags=["models"]),
        )


def _answers() -> bool:
    try:
        return httpx.get(f"{API_URL}/health", timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
