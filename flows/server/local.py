"""A Prefect server for one run, for people who have none.

Prefect can start one itself, but only after importing the whole server into the flow's own process first,
which doubles the wait; here it starts in the background while the media is being probed. A server that is
configured (PREFECT_API_URL or a profile) is used instead, and nothing is started.
"""

import asyncio
import errno
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import httpx
from filelock import BaseFileLock

from containers.common.errors import UserError
from containers.common.locks import QUIET, lock_of
from flows.server.child import start_child
from flows.server.secret import (
    API_URL,
    CLIENT_SECRET,
    SERVER_SECRET,
    configured_url,
    new_secret,
    own_hosts,
    server_settings,
)
from flows.server.warm import end_without_users, start_detached, warm_server, without_run
from flows.settings.load import load

TEMPORARY = "MEDIAFLOW_TEMPORARY_SERVER"  # set while the server has no UI and ends with the run
WITHOUT_UI = {"PREFECT_SERVER_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1"}
ROOT = Path(__file__).parents[2]
START_TIMEOUT = 600  # seconds; 8 on an idle 2-core machine, minutes on one that is overloaded
STARTING = "Waiting for this run's Prefect server; those of several runs start one after another."


class Process(Protocol):
    """A server's: `poll()` is None while it runs."""

    def poll(self) -> int | None: ...


@contextmanager
def temporary_server() -> Iterator[Process | None]:
    """Starts a server unless one is configured; `PREFECT_API_URL` names it until the block ends.

    The block begins at once, with the server's process: give it to `wait_for_server` before the first flow.
    With the setting `keep_warm` it is one that the next run finds again.
    """
    if configured_url():
        yield None
        return
    if minutes := load().keep_warm:
        with warm_server(minutes * 60, _start_warm) as server, _asked(server.url, server.secret):
            yield server
        return
    with _own_server() as (url, secret, process), _asked(url, secret):
        yield process


@contextmanager
def _own_server() -> Iterator[tuple[str, str, Process]]:
    with _bound() as (url, words, descriptor):
        secret = new_secret()
        process = start_child(
            "flows.server.local",
            *words,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | server_settings(url, secret) | WITHOUT_UI,
            pass_fds=[descriptor],
        )
    try:
        yield url, secret, process
    finally:
        process.kill()  # nothing is lost: the database is transactional
        process.wait()


def _start_warm(place: Path, keep_s: float) -> tuple[str, str, int]:
    with _bound() as (url, words, descriptor):
        secret = new_secret()
        environment = without_run(os.environ | server_settings(url, secret)) | WITHOUT_UI
        words += [str(place), str(keep_s)]
        pid = start_detached(words, env=environment, cwd=ROOT, pass_fds=[descriptor])
    return url, secret, pid


@contextmanager
def _bound() -> Iterator[tuple[str, list[str], int]]:
    """An API's address and the socket for it, kept until the server has it: nobody else can take the port."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        words = [str(port), "127.0.0.1", str(bound.fileno())]
        yield f"http://127.0.0.1:{port}/api", words, bound.fileno()


@contextmanager
def _asked(url: str, secret: str) -> Iterator[None]:
    """This process and its children ask that server."""
    # Nobody can read this server's log pages, and it may end before the last lines are sent.
    settings = {
        API_URL: url,
        CLIENT_SECRET: secret,
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        TEMPORARY: "1",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def wait_for_server(process: Process | None, say: Callable[[str], object] = print) -> None:
    """Returns when the server of `PREFECT_API_URL` answers; `say` is told what is waited for.

    Raises UserError when `process` has ended or ten minutes have passed.
    """
    url = os.environ.get(API_URL)
    if not url:
        return
    began = time.monotonic()
    told = False
    while time.monotonic() < began + START_TIMEOUT and (process is None or process.poll() is None):
        if not told and time.monotonic() > began + QUIET:
            told = True
            say(STARTING if process else f"Waiting for the Prefect server at {url}.")
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/health", timeout=5, trust_env=False).status_code == 200:
                return
        time.sleep(0.1)  # also where something answers that is not ready
    raise UserError(f"The Prefect server at {url} does not answer.")


def _serve(
    port: int, host: str = "127.0.0.1", bound: int | None = None, place: str = "", keep_s: float = 0
) -> None:
    """Until it is ended; on the socket of the file descriptor `bound`, where there is one.

    With `place`, a file, also when no run has used it for `keep_s` seconds.
    """
    if not os.environ.get(SERVER_SECRET):
        sys.exit(
            f"A Prefect server on {host} without {SERVER_SECRET} would obey everybody: `make serve` sets it."
        )
    if bound is None:
        _refuse_taken(host, port)
    import uvicorn
    from prefect.server.api.server import create_app  # most of the wait: before the lock, not behind it
    from prefect.settings import get_current_settings
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from flows.server.database import queue_writers, write_each_event_once

    home = get_current_settings().home
    home.mkdir(parents=True, exist_ok=True)
    queue_writers()
    write_each_event_once()
    # Two first runs at once must not both create the database.
    lock = lock_of(home / "mediaflow-server-start.lock")
    lock.acquire()
    if not os.environ.get("PREFECT__SERVER_EPHEMERAL"):  # a run's own server lasts as long as its places
        from flows.server.places import count_anew, keep_short

        asyncio.run(count_anew())
        keep_short()
    server = uvicorn.Server(
        uvicorn.Config(
            # Around Prefect's app and not in it: its own services ask it by a name that is no host.
            lambda: TrustedHostMiddleware(create_app(), own_hosts(host), www_redirect=False),
            factory=True,
            host=host,
            port=port,
            log_level="error",
            timeout_keep_alive=5,
        )
    )
    threading.Thread(target=_release_when_started, args=(server, lock), daemon=True).start()
    if place:
        end_without_users(Path(place), keep_s, lambda: os._exit(0))  # as a run's own is ended
    server.run([socket.socket(fileno=bound)] if bound is not None else None)


def _refuse_taken(host: str, port: int) -> None:
    """One sentence before the whole server is imported; uvicorn says it afterwards, in its own words."""
    for family, kind, _, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    sys.exit(f"Port {port} of {host} is taken by another program.")


def _release_when_started(server, lock: BaseFileLock) -> None:
    while not server.started:
        time.sleep(0.05)
    lock.release()


if __name__ == "__main__":
    number, name, *more = sys.argv[1:]
    descriptor, file, seconds = [*more, "", "", ""][:3]
    _serve(int(number), name, int(descriptor) if descriptor else None, file, float(seconds or 0))
