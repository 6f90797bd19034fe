"""Runs that a worker of this machine left behind when it ended.

A worker that is killed between claiming a run and starting it leaves it pending for ever, and one that is
killed with its runs leaves them running. Both keep their deployment's place: the next night's run would wait.
"""

import socket
from typing import Any

import psutil

from flows.ask_server import asking

RUN_ID = "PREFECT__FLOW_RUN_ID"  # in the environment of a run's process


def put_back(api_url: str, pool: str) -> list[str]:
    """Schedules anew what was claimed and has no process, marks as crashed what was running and has none.

    To be called while nothing serves `pool`, here or elsewhere. Returns the names of the runs. Raises
    httpx.HTTPError where the server does not answer.
    """
    with asking(api_url) as client:
        wanted = {
            "flow_runs": {"state": {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}}},
            "work_pools": {"name": {"any_": [pool]}},
        }
        answer = client.post("/flow_runs/filter", json=wanted).raise_for_status()
        alive = _run_ids()
        behind = [run for run in answer.json() if run["id"] not in alive and _is_ours(run)]
        for run in behind:
            body = {"state": _next_state(run), "force": True}
            client.post(f"/flow_runs/{run['id']}/set_state", json=body).raise_for_status()
    return [run["name"] for run in behind]


def _is_ours(run: dict[str, Any]) -> bool:
    """Whether it was started here or nowhere yet; workers tell a process by number, some with the host."""
    host = (run["infrastructure_pid"] or "").rpartition(":")[0]
    return host in ("", socket.gethostname())


def _next_state(run: dict[str, Any]) -> dict[str, str]:
    if run["state_type"] == "PENDING":
        message = "The worker ended before it had started this run."
        return {"type": "SCHEDULED", "name": "Scheduled", "message": message}
    message = "The process of this run is gone, and so was its worker."
    return {"type": "CRASHED", "name": "Crashed", "message": message}


def _run_ids() -> set[str]:
    """Of the runs that have a process on this machine."""
    found = set()
    for process in psutil.process_iter():
        try:
            found.add(process.environ().get(RUN_ID, ""))
        except psutil.Error:
            continue  # it has ended, or is somebody else's
    return found
