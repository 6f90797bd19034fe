"""Processes of runs whose worker is gone. They go on, as they should; but nobody ends one that is cancelled.

A worker ends what it has started itself. Of a run of a killed worker the server says after five minutes that
it is cancelled, while its process works on: a watcher for ever.
"""

import os
from contextlib import suppress
from typing import Any

import httpx
import psutil

from flows.server.child import GRACE

RUN_ID = "PREFECT__FLOW_RUN_ID"  # in the environment of a run's process, and of what that starts
WORKER = {"worker", "start"}  # words of its command
CANCELLED = {
    "type": "CANCELLED",
    "name": "Cancelled",
    "message": "Its worker was gone; its process is ended.",
}


class Orphans:
    """Those on this machine; remembers which it has asked to end."""

    def __init__(self) -> None:
        self._asked: set[str] = set()

    def end_cancelled(self, client: httpx.Client) -> list[str]:
        """Asks those of cancelled runs to end, at the next look by force; says so once of each.

        For the server such a run has ended before, so that its process reports no crash. Raises
        httpx.HTTPError where the server does not answer.
        """
        orphans = _orphans()
        self._asked.intersection_update(orphans)
        said = []
        for run in _cancelled(client, {run for _, run in orphans.values()}) if orphans else ():
            number = (run["infrastructure_pid"] or "").rpartition(":")[2]
            process, of = orphans.get(number, (None, None))
            if process is None or of != run["id"]:
                continue
            if number in self._asked:
                process.kill()
                continue
            body = {"state": CANCELLED, "force": True}
            client.post(f"/flow_runs/{run['id']}/set_state", json=body).raise_for_status()
            process.terminate()
            self._asked.add(number)
            said.append(f"Run {run['name']}: Cancelled. {CANCELLED['message']}")
        return said


def end_orphans(api_url: str) -> None:
    """Ends those of that server's runs, as their worker would have; by force what does not end.

    Returns when they are gone. Their runs go on with the next worker.
    """
    ended = []
    for process, _ in _orphans().values():
        with suppress(psutil.Error):
            if process.environ().get("PREFECT_API_URL") == api_url:
                process.terminate()
                ended.append(process)
    for process in psutil.wait_procs(ended, GRACE)[1]:
        with suppress(psutil.Error):
            process.kill()


def run_ids() -> set[str]:
    """Of the runs that have a process on this machine."""
    return {run for _, run in _processes()}


def _processes() -> list[tuple[psutil.Process, str]]:
    """This user's, each with its run's id."""
    found = []
    for process in psutil.process_iter():
        try:
            if run := process.environ().get(RUN_ID):
                found.append((process, run))
        except psutil.Error:
            continue  # it has ended, or is somebody else's
    return found


def _orphans() -> dict[str, tuple[psutil.Process, str]]:
    """By their numbers."""
    found = {}
    for process, run in _processes():
        try:
            above = [set(each.cmdline()) for each in process.parents()]
            ours = process.uids().real == os.getuid()
        except psutil.Error:
            continue
        if ours and not any(words >= WORKER for words in above):
            found[str(process.pid)] = (process, run)
    return found


def _cancelled(client: httpx.Client, ids: set[str]) -> list[dict[str, Any]]:
    wanted = {"id": {"any_": sorted(ids)}, "state": {"type": {"any_": ["CANCELLING", "CANCELLED"]}}}
    return client.post("/flow_runs/filter", json={"flow_runs": wanted}).raise_for_status().json()
