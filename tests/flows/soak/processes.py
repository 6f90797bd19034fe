"""Processes of a campaign by what they are: server, worker, flows, images, who serves these; its locks."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
from filelock import Timeout

from containers.common.locks import lock_of

MARK = "MEDIAFLOW_SOAK"  # in the environment of every process of a campaign, the images' too
KINDS = {
    "flow": lambda command: "prefect.flow_engine" in command or "prefect.engine" in command,
    "worker": lambda command: "flows.server.child prefect worker" in command,
    "server": lambda command: "flows.server.local" in command,
    "endpoint": lambda command: "deployments.local.serve_shared" in command,
    "image": lambda command: "local/bootstrap.py" in command or "bootstrap.mjs" in command,
}


class Processes:
    """Those that were started with `mark` in their environment."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def all(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter(["cmdline", "status"]):
            try:
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    yield process
            except psutil.Error:
                continue  # it ended, or is somebody else's

    def of(self, kind: str) -> list[psutil.Process]:
        return [each for each in self.all() if KINDS[kind](" ".join(each.info["cmdline"] or ()))]

    def ownerless(self) -> list[psutil.Process]:
        """Images whose endpoint is gone."""
        owners = {each.pid for kind in ("flow", "endpoint") for each in self.of(kind)}
        return [each for each in self.of("image") if each.ppid() not in owners]


def held(paths: Iterable[Path]) -> list[str]:
    """Those of these lock files that somebody holds."""
    found = []
    for path in paths:
        try:
            with lock_of(path).acquire(blocking=False):
                pass
        except Timeout:
            found.append(f"lock {path}")
    return found


def left(processes: Processes, limits: list[dict[str, Any]], paths: Iterable[Path]) -> list[str]:
    """What no run may leave that has ended: its process, images without an endpoint, places, locks."""
    found = [f"process {each.pid}" for each in (*processes.of("flow"), *processes.ownerless())]
    found += [f"{limit['active_slots']} of {limit['name']}" for limit in limits if limit["active_slots"]]
    return found + held(paths)
