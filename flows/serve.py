"""`make serve`: a Prefect server with its UI, the deployments of prefect.yaml, and a worker for them."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import httpx

API_URL = os.environ.setdefault("PREFECT_API_URL", "http://127.0.0.1:4200/api")
ROOT = Path(__file__).parents[1]
POOL = "local"


def main() -> None:
    """Uses the server of PREFECT_API_URL when it answers, and starts one there otherwise.

    Exits with one sentence when the server does not start or a deployment is refused.
    """
    with ExitStack() as started:
        if not _answers():
            _start_server(started)
        _prefect("work-pool", "create", POOL, "--type", "process", "--overwrite")
        _prefect("--no-prompt", "deploy", "--all")
        print(f"Ready: {API_URL.removesuffix('/api')}/deployments", flush=True)
        worker = _process("worker", "start", "--pool", POOL, "--name", "this machine")
        started.callback(worker.wait)
        started.callback(worker.terminate)
        try:
            worker.wait()
        except KeyboardInterrupt:
            print("Stopping.", flush=True)


def _start_server(started: ExitStack) -> None:
    address = httpx.URL(API_URL)
    server = _process("server", "start", "--host", address.host, "--port", str(address.port))
    started.callback(server.wait)
    started.callback(server.terminate)
    while not _answers():
        if server.poll() is not None:
            sys.exit(f"The Prefect server did not start; is port {address.port} taken?")
        time.sleep(0.5)


def _prefect(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        sys.exit(f"prefect {arguments[0]} failed: {said[-1] if said else done.returncode}")


def _process(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "prefect", *arguments], cwd=ROOT)


def _answers() -> bool:
    try:
        return httpx.get(f"{API_URL}/health", timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
