"""Processes of a campaign by what they are: the server, its worker, the flow's, and those of images."""

from collections.abc import Iterator

import psutil

MARK = "MEDIAFLOW_SOAK"  # in the environment of every process of a campaign, the images' too
KINDS = {
    "flow": lambda command: "prefect.flow_engine" in command or "prefect.engine" in command,
    "worker": lambda command: "flows.child prefect worker" in command,
    "server": lambda command: "flows.child flows.local_server" in command,
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
