"""`make serve`: a Prefect server with its UI, the deployments of prefect.yaml, and a worker for them.

Reports and shelves are served beside it (flows/service/results.py). Whichever of these ends is started again:
the runs under way outlive it. Flows wait two minutes for a server that is away, a run whose worker is gone
goes on, and one that was killed itself is started again.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import httpx

from containers.common.errors import UserError
from deployments.local import end_idle
from flows.server.child import end_child, start_child
from flows.server.secret import (
    CLIENT_SECRET,
    SERVER_SECRET,
    is_anothers,
    is_loopback,
    kept_secret,
    know_secret,
    secret_file,
    server_settings,
)
from flows.service.keep_going import Kept
from flows.service.left_behind import LeftBehind
from flows.service.orphans import end_orphans
from flows.service.results import RESULTS_URL

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
            ours = not _answers()
            _know_secret(ours)
            running: dict[str, Kept] = {}
            ended.callback(_end, running)
            if ours:
                running["server"] = Kept("server", _server, say=_say)
            _wait_for_server(running.get("server"))
            _deploy()
            left = LeftBehind(API_URL, POOL, serves=ours)
            _settle(left, unserved=ours)
            if place := _results_place():
                running["results"] = Kept("results", partial(_results, place), say=_say)
            running["worker"] = Kept("worker", _worker, partial(_settle, left, unserved=True), _say)
            _say(f"Ready: {API_URL.removesuffix('/api')}/deployments")
            if place:
                _say(f"Reports and shelves: {os.environ[RESULTS_URL]}")
            _say(_how_to_enter())
            _supervise(running, left)
        except KeyboardInterrupt:
            _say("Stopping.")


def _say(line: str) -> None:
    print(line, flush=True)


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


def _supervise(running: dict[str, Kept], left: LeftBehind) -> None:
    """For ever."""
    looked = time.monotonic()
    while True:
        time.sleep(0.5)
        for kept in running.values():
            kept.look()
        if time.monotonic() > looked + LOOK:
            _settle(left)
            looked = time.monotonic()


def _settle(left: LeftBehind, unserved: bool = False) -> bool:
    """False while the server is away."""
    try:
        for outcome in left.look(unserved):
            _say(outcome)
    except httpx.HTTPError:
        return False
    return True


def _server() -> subprocess.Popen[bytes]:
    address = httpx.URL(API_URL)
    environment = {**os.environ, **server_settings(API_URL, os.environ[CLIENT_SECRET])}
    return start_child("flows.server.local", str(address.port), address.host, cwd=ROOT, env=environment)


def _results_place() -> socket.socket | None:
    """Where the pages are served, at the port after the server's where it is free; for the runs' links.

    This process keeps it: whoever serves them may end, and no other program takes the port meanwhile. None
    where this machine's pages are no use to who looks at the server, which is elsewhere.
    """
    address = httpx.URL(API_URL)
    if not is_loopback(address.host) or not os.environ.get(CLIENT_SECRET):
        return None
    for port in ((address.port or 4200) + 1, 0):
        with suppress(OSError, OverflowError):
            place = socket.create_server(("127.0.0.1", port))
            os.environ[RESULTS_URL] = f"http://127.0.0.1:{place.getsockname()[1]}"
            return place
    return None


def _results(place: socket.socket) -> subprocess.Popen[bytes]:
    return start_child(
        "flows.service.results", str(place.fileno()), "127.0.0.1", cwd=ROOT, pass_fds=[place.fileno()]
    )


def _worker() -> subprocess.Popen[bytes]:
    """By the machine's name, by which others tell that they are not alone."""
    name = socket.gethostname()
    return start_child("prefect", "worker", "start", "--pool", POOL, "--name", name, cwd=ROOT)


def _end(running: dict[str, Kept]) -> None:
    """With their images, where no other run needs them."""
    for name in ("worker", "results", "server"):  # the worker still has to say how its runs ended
        if name in running:
            end_child(running[name].process)
        if name == "worker":
            end_orphans(API_URL)  # those of a worker that was killed before
    end_idle()


def _wait_for_server(server: Kept | None) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not _answers():
        if server is None or server.process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"The Prefect server at {API_URL} did not start.")
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
