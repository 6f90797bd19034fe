"""`make serve`: a Prefect server with its UI, the deployments of prefect.yaml, and a worker for them.

A server or worker that ends is started again: the runs under way outlive both. Flows wait a minute for a
server that is away, and a run whose worker is gone goes on by itself.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import httpx

from containers.common.errors import UserError
from flows.child import end_child, start_child
from flows.left_behind import put_back
from flows.server_secret import (
    CLIENT_SECRET,
    SERVER_SECRET,
    is_anothers,
    kept_secret,
    know_secret,
    secret_file,
    server_settings,
)

API_URL = os.environ.setdefault("PREFECT_API_URL", "http://127.0.0.1:4200/api")
# Runs say that they are alive, so that one whose process is gone can be told from one that works.
os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "30")
ROOT = Path(__file__).parents[1]
POOL = "local"
START_TIMEOUT = 600  # seconds; 10 on an idle 2-core machine


def main() -> None:
    """Uses the server of PREFECT_API_URL when it answers, and starts one there otherwise.

    Exits with one sentence when the server does not start or a deployment is refused.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as ended:
        try:
            if is_anothers(API_URL):
                sys.exit(f"Another user's program listens at {API_URL}: name a free port in PREFECT_API_URL.")
            watched = {} if _answers() else {"server": _server}
            _know_secret(ours="server" in watched)
            running = {name: start() for name, start in watched.items()}
            ended.callback(_end, running)
            _wait_for_server(running.get("server"))
            _prefect("work-pool", "create", POOL, "--type", "process", "--overwrite")
            _prefect("--no-prompt", "deploy", "--all")
            ours = "server" in watched  # then no other machine serves its pool
            if ours:
                put_back(API_URL, POOL)
            watched["worker"] = _worker
            running["worker"] = _worker()
            print(f"Ready: {API_URL.removesuffix('/api')}/deployments", flush=True)
            print(_how_to_enter(), flush=True)
            while True:
                time.sleep(0.5)
                for name, process in list(running.items()):
                    if process.poll() is None or (name == "worker" and ours and not _tidied()):
                        continue
                    print(f"The {name} ended ({process.returncode}); starting it again.", flush=True)
                    running[name] = watched[name]()
        except KeyboardInterrupt:
            print("Stopping.", flush=True)


def _know_secret(ours: bool) -> None:
    """Into the environment: the secret of the server that runs, or of `ours`, which is about to start."""
    if not ours:
        return know_secret()
    secret = os.environ.get(SERVER_SECRET) or os.environ.get(CLIENT_SECRET)
    try:
        os.environ[CLIENT_SECRET] = secret or kept_secret(API_URL)
    except UserError as error:
        sys.exit(str(error))


def _how_to_enter() -> str:
    path = secret_file(API_URL)
    if not path.is_file():
        return "The page may ask for this server's PREFECT_SERVER_API_AUTH_STRING."
    shown = f": {os.environ.get(CLIENT_SECRET)}" if sys.stdout.isatty() else "."
    return f"The page asks once for the password, which is the line in {path}{shown}"


def _tidied() -> bool:
    """Whether nothing waits any more for the worker that has ended; not while the server is away."""
    try:
        for run in put_back(API_URL, POOL):
            print(f"The worker had left {run} behind.", flush=True)
    except httpx.HTTPError:
        return False
    return True


def _server() -> subprocess.Popen[bytes]:
    address = httpx.URL(API_URL)
    environment = {**os.environ, **server_settings(API_URL, os.environ[CLIENT_SECRET])}
    return start_child("flows.local_server", str(address.port), address.host, cwd=ROOT, env=environment)


def _worker() -> subprocess.Popen[bytes]:
    return start_child("prefect", "worker", "start", "--pool", POOL, "--name", "this machine", cwd=ROOT)


def _end(running: dict[str, subprocess.Popen[bytes]]) -> None:
    for name in ("worker", "server"):  # the worker still has to say how its runs ended
        if name in running:
            end_child(running[name])


def _wait_for_server(server: subprocess.Popen[bytes] | None) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not _answers():
        if server is None or server.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"The Prefect server did not start; is port {httpx.URL(API_URL).port} taken?")
        time.sleep(0.5)


def _prefect(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        sys.exit(f"prefect {arguments[0]} failed: {said[-1] if said else done.returncode}")


def _answers() -> bool:
    try:
        return httpx.get(f"{API_URL}/health", timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
