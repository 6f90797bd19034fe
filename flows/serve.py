"""`make serve`: a Prefect server with its UI, the deployments of prefect.yaml, and a worker for them.

Reports and shelves are served beside it (flows/results.py). Whichever of these ends is started again: the
runs under way outlive it. Flows wait two minutes for a server that is away, a run whose worker is gone goes
on, and one that was killed itself is started again.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import httpx

from containers.common.errors import UserError
from deployments.local import end_idle
from flows.child import end_child, start_child
from flows.left_behind import LeftBehind
from flows.results import RESULTS_URL
from flows.server_secret import (
    CLIENT_SECRET,
    SERVER_SECRET,
    is_anothers,
    is_loopback,
    kept_secret,
    know_secret,
    secret_file,
    server_settings,
)

API_URL = os.environ.get("PREFECT_API_URL", "http://127.0.0.1:4200/api")
# Runs say that they are alive, so that one whose process is gone can be told from one that works.
ALIVE = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
# Its own default forgets with a killed server who holds a place of a limit, not that somebody does.
LEASES = {"PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem"}
# A run that waits for its turn in a queue is not late after 15 seconds; late is what no worker takes.
LATE = {"PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "600"}
# The database keeps runs with their logs and pictures for 90 days; by Prefect's own default for ever.
VACUUM = {"PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs"}
# Runs share warm images, under one ceiling of memory.
WARM = {"MEDIAFLOW_KEEP_WARM": "10"}
ROOT = Path(__file__).parents[1]
POOL = "local"
START_TIMEOUT = 600  # seconds; 10 on an idle 2-core machine
LOOK = 20  # seconds between two looks for runs that nobody answers for


def main() -> None:
    """Uses the server of PREFECT_API_URL when it answers, and starts one there otherwise.

    Registers the deployments where none is; `make deploy` brings them up to date. Exits with one sentence
    when the server does not start or a deployment is refused.
    """
    for name, value in {"PREFECT_API_URL": API_URL, **ALIVE, **LEASES, **LATE, **VACUUM, **WARM}.items():
        os.environ.setdefault(name, value)
    for number in (signal.SIGINT, signal.SIGTERM):  # the first is ignored by what a script starts with &
        signal.signal(number, signal.default_int_handler)
    with ExitStack() as ended:
        try:
            if is_anothers(API_URL):
                sys.exit(f"Another user's program listens at {API_URL}: name a free port in PREFECT_API_URL.")
            watched = {} if _answers() else {"server": _server}
            _know_secret(ours="server" in watched)
            running = {name: start() for name, start in watched.items()}
            ended.callback(_end, running)
            _wait_for_server(running.get("server"))
            _deploy()
            left = LeftBehind(API_URL, POOL, only_machine="server" in watched)
            _settle(left, unserved="server" in watched)
            if place := _results_place():
                watched["results"] = partial(_results, *place)
                running["results"] = watched["results"]()
            watched["worker"] = _worker
            running["worker"] = _worker()
            print(f"Ready: {API_URL.removesuffix('/api')}/deployments", flush=True)
            if place:
                print(f"Reports and shelves: {os.environ[RESULTS_URL]}", flush=True)
            print(_how_to_enter(), flush=True)
            _supervise(watched, running, left)
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


def _supervise(
    watched: dict[str, Callable[[], subprocess.Popen[bytes]]],
    running: dict[str, subprocess.Popen[bytes]],
    left: LeftBehind,
) -> None:
    """For ever."""
    looked = time.monotonic()
    while True:
        time.sleep(0.5)
        for name, process in list(running.items()):
            if process.poll() is None or (name == "worker" and not _settle(left, unserved=True)):
                continue
            print(f"The {name} ended ({process.returncode}); starting it again.", flush=True)
            running[name] = watched[name]()
        if time.monotonic() > looked + LOOK:
            _settle(left)
            looked = time.monotonic()


def _settle(left: LeftBehind, unserved: bool = False) -> bool:
    """False while the server is away."""
    try:
        for outcome in left.look(unserved):
            print(outcome, flush=True)
    except httpx.HTTPError:
        return False
    return True


def _server() -> subprocess.Popen[bytes]:
    address = httpx.URL(API_URL)
    environment = {**os.environ, **server_settings(API_URL, os.environ[CLIENT_SECRET])}
    return start_child("flows.local_server", str(address.port), address.host, cwd=ROOT, env=environment)


def _results_place() -> tuple[int, str] | None:
    """Port and host, the port after the server's where it is free; their URL for the runs' links.

    None where this machine's pages are no use to who looks at the server, which is elsewhere.
    """
    address = httpx.URL(API_URL)
    if not is_loopback(address.host) or not os.environ.get(CLIENT_SECRET):
        return None
    for port in ((address.port or 4200) + 1, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            free = probe.getsockname()[1]
            os.environ[RESULTS_URL] = f"http://127.0.0.1:{free}"
            return free, "127.0.0.1"
    return None


def _results(port: int, host: str) -> subprocess.Popen[bytes]:
    return start_child("flows.results", str(port), host, cwd=ROOT)


def _worker() -> subprocess.Popen[bytes]:
    return start_child("prefect", "worker", "start", "--pool", POOL, "--name", "this machine", cwd=ROOT)


def _end(running: dict[str, subprocess.Popen[bytes]]) -> None:
    """With their images, where no other run needs them."""
    for name in ("worker", "results", "server"):  # the worker still has to say how its runs ended
        if name in running:
            end_child(running[name])
    end_idle()


def _wait_for_server(server: subprocess.Popen[bytes] | None) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not _answers():
        if server is None or server.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"The Prefect server did not start; is port {httpx.URL(API_URL).port} taken?")
        time.sleep(0.5)


def _deploy() -> None:
    """In a process of its own: this one lives long, and Prefect's modules would stay in its memory."""
    done = subprocess.run([sys.executable, "-m", "flows.deploy", "--first"], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def _answers() -> bool:
    try:
        return httpx.get(f"{API_URL}/health", timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
