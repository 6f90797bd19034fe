"""One endpoint for all runs of a user on this machine: its workers stay warm from one run to the next.

The first run that needs it starts it, as a process of its own; who joins it keeps it alive, and some minutes
after the last has left it ends. It is found through a file that this user alone can read. Runs with another
environment, another tree of code or other versions of it have another endpoint: a worker's results depend on
nothing else.
"""

import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from containers.common import image as registry
from containers.common.durable import make_folder
from containers.common.errors import UserError
from containers.common.locks import held, tell
from deployments.local.environment import passed
from deployments.local.neighbours import address_in, addresses, ask

START_TIMEOUT = 60  # seconds; one on an idle machine
READ = {".py", ".toml", ".mjs", ".json"}  # files of `containers` that a worker may read
# Of this run or this terminal: a worker's results do not depend on them.
OF_NO_MATTER = {"PATH", "USER", "LANG", "TZ", "TMPDIR", "OMP_WAIT_POLICY"}


def identity(root: Path) -> str:
    """Of the endpoint that serves this environment and this code."""
    mark = hashlib.sha256(f"{sys.executable}\n{root}\n".encode())
    for name, value in sorted(passed().items()):
        if name not in OF_NO_MATTER and not name.startswith("LC_"):
            mark.update(f"{name}={value}\n".encode())
    for folder, below, files in os.walk(root / "containers"):
        below[:] = sorted(set(below) - {"node_modules", "__pycache__"})  # of these the lock says enough
        for name in sorted(files):
            if Path(name).suffix in READ:
                state = Path(folder, name).stat()
                mark.update(f"{folder}/{name} {state.st_mtime_ns} {state.st_size}\n".encode())
    return mark.hexdigest()[:32]


class Joined:
    """A caller's end of a shared endpoint, to be left at the end of a block.

    `url` is for boto3. `on_wait` is told what this caller's calls wait for. Where the endpoint's process ends
    before the block does, another takes its place, and `on_move` is called: `url` is new then.
    """

    def __init__(self, link: "Link", keep_s: float, memory_mb: float | None) -> None:
        self.on_wait: Callable[[str], object] = tell
        self.on_move: Callable[[], object] = lambda: None
        self._link = link
        self._keep_s, self._memory_mb = keep_s, memory_mb
        self._left = False
        self._moving = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> "Joined":
        return self

    def __exit__(self, *_: object) -> None:
        """Calls that are still under way end."""
        with self._moving:
            self._left = True
            self._link.close()
            self._moving.notify_all()

    @property
    def url(self) -> str:
        return self._link.url

    @property
    def logs(self) -> Path:
        return self._link.logs

    def prewarm(self, images: Iterable[str]) -> None:
        """Starts a worker of each image where there is room. Returns at once."""
        self._link.ask("POST", "/prewarm", json.dumps(list(images)).encode())

    def peak_memory(self) -> dict[str, int]:
        """Highest resident memory of any worker of each image, in bytes, for other callers too."""
        return json.loads(self._link.ask("GET", "/memory"))

    def moved_from(self, url: str) -> bool:
        """Whether there is another address than `url`, after a wait for what is on its way."""
        with self._moving:
            return (
                self._moving.wait_for(lambda: self._left or self.url != url, START_TIMEOUT) and not self._left
            )

    def _listen(self) -> None:
        while not self._left:
            with suppress(OSError, ValueError):
                for line in self._link.stream:
                    if waiting := json.loads(line).get("waiting"):
                        self.on_wait(f"Waiting for {', '.join(waiting)}: other runs on this machine use it.")
            if self._left:
                return
            try:
                other = _link(self._keep_s, True, self._memory_mb)
            except UserError as error:
                self.on_wait(str(error))  # and each call says that nothing answers
                other = None
            with self._moving:
                self._left = self._left or other is None
                if other and not self._left:
                    self._link.close()
                    self._link = other
                    self.on_move()
                elif other:
                    other.close()  # whoever needed it left meanwhile
                self._moving.notify_all()


@dataclass
class Link:
    """What a caller has of an endpoint: its own address, and the connection that says it is still there."""

    url: str
    logs: Path
    stream: BinaryIO
    _base: str
    _connection: socket.socket

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        with suppress(OSError, http.client.HTTPException):
            return ask(self._base, method, path, body)
        return b"{}"  # it has just ended

    def close(self) -> None:
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)  # whoever reads it wakes up
        self._connection.close()


def join(keep_s: float, start: bool = True, memory_mb: float | None = None) -> Joined | None:
    """Joins this user's endpoint; where there is none starts one, or returns None without `start`.

    `keep_s`: how long it outlives the last that left. Raises UserError when it does not start.
    """
    link = _link(keep_s, start, memory_mb)
    return link and Joined(link, keep_s, memory_mb)


def end_idle() -> None:
    """Ends the endpoint of this environment and code, if nobody needs it now; others' are not touched."""
    if url := address_in(_place()):
        with suppress(OSError, http.client.HTTPException):  # it has ended already
            ask(url, "POST", "/end")


def _place() -> Path:
    return addresses() / f"{identity(registry.CONTAINERS.parent)}.json"


def _link(keep_s: float, start: bool, memory_mb: float | None) -> Link | None:
    place = _place()
    if not start and not place.exists():
        return None
    try:
        make_folder(place.parent)
        place.parent.chmod(0o700)
        with held(place.with_suffix(".lock"), "another run that starts the images"):
            if (url := address_in(place)) and (there := _attend(url)):
                return there
            if not start:
                return None
            link = _attend(_start(place, keep_s, memory_mb))
    except OSError as error:
        raise UserError(f"The images of this machine cannot be shared: {error}.") from None
    if link is None:
        raise UserError("The images of this machine ended as soon as they had begun.")
    return link


def _attend(url: str) -> Link | None:
    """None: nothing of ours answers there any more."""
    address = urlsplit(url)
    try:
        connection = socket.create_connection(("127.0.0.1", address.port or 0), timeout=10)
        connection.sendall(f"GET {address.path}/attend HTTP/1.0\r\n\r\n".encode())
        stream = connection.makefile("rb")
        if b" 200 " not in stream.readline():
            return None
        while stream.readline().strip():
            pass  # headers
        said = json.loads(stream.readline())
        connection.settimeout(None)  # from now on it may be silent for hours
    except (OSError, ValueError):
        return None
    return Link(url + said["path"], Path(said["logs"]), stream, url, connection)


def _start(place: Path, keep_s: float, memory_mb: float | None) -> str:
    command = [
        sys.executable,
        "-m",
        "deployments.local.serve_shared",
        str(place),
        str(keep_s),
        str(memory_mb or ""),
    ]
    process = subprocess.Popen(
        command,
        cwd=registry.CONTAINERS.parent,
        env=passed(),  # nothing by which it would be taken for a part of this run
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # it outlives this run, and Ctrl-C is not meant for it
        text=True,
    )
    assert process.stdout
    timer = threading.Timer(START_TIMEOUT, process.kill)
    timer.start()
    url = process.stdout.readline().strip()
    timer.cancel()
    process.stdout.close()
    if not url:
        raise UserError("The images of this machine did not start.")
    threading.Thread(target=process.wait, daemon=True).start()  # no zombie while this run lasts
    return url
