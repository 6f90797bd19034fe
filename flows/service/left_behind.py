"""Runs that nobody answers for any more: their worker was killed, or their process, or both.

A worker that is killed between claiming a run and starting it leaves it pending for ever; one that is killed
with its runs leaves them running; of an engine that outlived its worker nobody says how it ended. Such runs
keep their deployment's place: the next night's run would wait. Here they go on: what had not begun is
scheduled anew, what was under way has crashed (on another machine, once its heartbeats have stopped), and
what has crashed is started again, twice at most, and a watcher always. Finished stages are kept, so that a
run continues where it was. What was due by a clock that has been set back since is due now.

A worker tells a second time that a run has crashed, some seconds later: where the next attempt has begun by
then, Prefect takes its place from it, and it ends. None is started beside it, which does not count.
"""

import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from flows.server.ask import asking
from flows.service.orphans import Orphans, run_ids

ATTEMPTS = 3  # a run that crashes every time, for want of memory for instance, is left crashed
PAUSES = (timedelta(seconds=10), timedelta(minutes=1))  # before the second attempt and the third
SERVICE = "service"  # tag of runs that are started again however often they crash
RECENT = timedelta(hours=1)  # what crashed before is history
PAGE = 200  # Prefect's most
HEARTBEAT = "prefect.flow-run.heartbeat"  # every 30 seconds, by those of `make serve`
SILENCE = 300.0  # seconds after the last one, in which the server was there to hear: that machine is gone
GAP = 40.0  # seconds between two looks at most that count as such
UNNAMED = "this machine"  # what every machine's worker was called before
AHEAD = timedelta(minutes=1)  # by which a run's state may be newer than now: the server's clock is not ours


class LeftBehind:
    """Looks for such runs of a pool. A look while a worker serves it settles what two looks have found alike:
    at the first, a run may just be between two states."""

    def __init__(self, api_url: str, pool: str, serves: bool) -> None:
        """`serves`: this machine has the server. What no machine answers for goes on by it, at once where
        no worker elsewhere is there to answer."""
        self._api_url = api_url
        self._pool = pool
        self._serves = serves
        self._suspects: set[str] = set()
        self._ended_late: set[tuple[str, int]] = set()  # runs and attempts of which a crash was told too late
        # Of each run: its last heartbeat, seconds since, when looked.
        self._heartbeats: dict[str, tuple[str, float, float]] = {}
        self._claimed: dict[str, tuple[float, float]] = {}  # pending states: seconds, when looked
        self._orphans = Orphans()
        self._began = (datetime.now(UTC), time.monotonic())

    def look(self, unserved: bool = False) -> list[str]:
        """Lets such runs go on, and says what became of each. `unserved`: no worker serves the pool now.

        Raises httpx.HTTPError where the server does not answer.
        """
        done = []
        with asking(self._api_url) as client:
            lost = self._lost(client)
            suspects = {run["state_id"] for run in lost}
            for run in lost:
                if unserved or run["state_id"] in self._suspects:
                    done.append(_set_state(client, run, _without_process(run)))
            self._suspects = suspects
            for run in self._never_begun(client):
                done.append(_set_state(client, run, _without_process(run)))
            done += self._orphans.end_cancelled(client)
            for run in self._silent(client):
                done.append(_set_state(client, run, _without_process(run)))
            for run in self._crashed(client):
                done.append(_set_state(client, run, _again(run)))
            for run in self._ahead(client):
                done.append(_set_state(client, run, _now()))
        return done

    def _lost(self, client: httpx.Client) -> list[dict[str, Any]]:
        found = self._runs(client, state={"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}})
        alive = run_ids() if found else set()
        gone = [run for run in found if run["id"] not in alive]
        others = self._others(client) if gone else []
        if others:  # who has claimed a run says so only when it is about to start
            gone = [run for run in gone if run["state_type"] != "PENDING"]
        alone = self._serves and not others
        return [run for run in gone if _is_here(run) or (alone and not run["infrastructure_pid"])]

    def _others(self, client: httpx.Client) -> list[str]:
        """Workers of other machines that serve the pool, by the server's clock."""
        answer = client.post(f"/work_pools/{self._pool}/workers/filter", json={}).raise_for_status()
        here = socket.gethostname()
        return [each["name"] for each in answer.json() if each["status"] == "ONLINE" and each["name"] != here]

    def _never_begun(self, client: httpx.Client) -> list[dict[str, Any]]:
        """Runs that some worker has claimed, and of which it has said nothing for long."""
        pending = self._runs(client, state={"type": {"any_": ["PENDING"]}})
        alive = run_ids() if pending else set()
        found = [run for run in pending if run["id"] not in alive]
        now, before, self._claimed = time.monotonic(), self._claimed, {}
        for run in found:
            seconds, looked = before.get(run["state_id"], (0.0, now))
            self._claimed[run["state_id"]] = (seconds + min(now - looked, GAP), now)
        waited = {state for state, (seconds, _) in self._claimed.items() if seconds >= SILENCE}
        return [run for run in found if run["state_id"] in waited]

    def _silent(self, client: httpx.Client) -> list[dict[str, Any]]:
        """Runs of another machine that gave heartbeats and has stopped; by no clock but this process's."""
        found = self._runs(client, state={"type": {"any_": ["RUNNING"]}})
        elsewhere = [run for run in found if run["infrastructure_pid"] and not _is_here(run)]
        now, before, self._heartbeats = time.monotonic(), self._heartbeats, {}
        silent = []
        for run in elsewhere:
            last = _last_heartbeat(client, run)
            if last is None:
                continue  # it never gave any: nothing can be told from silence
            known, seconds, looked = before.get(run["id"], (last, 0.0, now))
            seconds = seconds + min(now - looked, GAP) if known == last else 0.0
            self._heartbeats[run["id"]] = (last, seconds, now)
            if seconds >= SILENCE:
                silent.append(run)
        return silent

    def _crashed(self, client: httpx.Client) -> list[dict[str, Any]]:
        recent = datetime.now(UTC) - RECENT - self._set_forward()
        found = self._runs(
            client, state={"type": {"any_": ["CRASHED"]}}, end_time={"after_": recent.isoformat()}
        )
        alive = run_ids() if found else set()
        self._ended_late |= {(run["id"], run["run_count"]) for run in found if run["id"] in alive}
        found = [run for run in found if run["id"] not in alive]
        again = [run for run in found if self._attempts(run) < ATTEMPTS or SERVICE in run["tags"]]
        return [run for run in again if self._serves or _is_here(run)]

    def _attempts(self, run: dict[str, Any]) -> int:
        return run["run_count"] - sum(of == run["id"] for of, _ in self._ended_late)

    def _set_forward(self) -> timedelta:
        """By how much the clock was, since this began to look: what crashed before that is not history."""
        wall, steady = self._began
        passed = timedelta(seconds=time.monotonic() - steady)
        return max(datetime.now(UTC) - wall - passed, timedelta())

    def _ahead(self, client: httpx.Client) -> list[dict[str, Any]]:
        """Runs that wait although they were put off before a clock was set back; not those of schedules."""
        if not self._serves:
            return []
        now = datetime.now(UTC)
        later = {"after_": (now + AHEAD).isoformat()}
        found = self._runs(client, state={"type": {"any_": ["SCHEDULED"]}}, next_scheduled_start_time=later)
        ours = (run for run in found if not run["auto_scheduled"])
        return [run for run in ours if datetime.fromisoformat(run["state"]["timestamp"]) > now + AHEAD]

    def _runs(self, client: httpx.Client, **wanted: Any) -> list[dict[str, Any]]:
        pool = {"name": {"any_": [self._pool]}}
        found: list[dict[str, Any]] = []
        while len(found) % PAGE == 0:
            body = {"flow_runs": wanted, "work_pools": pool, "limit": PAGE, "offset": len(found)}
            page = client.post("/flow_runs/filter", json=body).raise_for_status().json()
            if not page:
                break
            found += page
        return found


def _is_here(run: dict[str, Any]) -> bool:
    """By its worker, called as its machine is, or by its process, with the host before it or without."""
    worker = (run.get("labels") or {}).get("prefect.worker.name", UNNAMED)
    if worker != UNNAMED:
        return worker == socket.gethostname()
    process = run["infrastructure_pid"]
    return bool(process) and process.rpartition(":")[0] in ("", socket.gethostname())


def _last_heartbeat(client: httpx.Client, run: dict[str, Any]) -> str | None:
    """Its id."""
    of_run = {"id": [f"prefect.flow-run.{run['id']}"]}
    wanted = {"event": {"name": [HEARTBEAT]}, "resource": of_run, "order": "DESC"}
    answer = client.post("/events/filter", json={"filter": wanted, "limit": 1}).raise_for_status()
    events = answer.json()["events"]
    return events[0]["id"] if events else None


def _without_process(run: dict[str, Any]) -> dict[str, str]:
    if run["state_type"] == "PENDING":
        return _state("SCHEDULED", "Scheduled", "The worker ended before it had started this run.")
    if run["state_type"] == "CANCELLING":
        return _state("CANCELLED", "Cancelled", "The process of this run was gone already.")
    return _state("CRASHED", "Crashed", "The process of this run is gone, and nobody saw it end.")


def _again(run: dict[str, Any]) -> dict[str, Any]:
    attempt = max(run["run_count"], 1)
    due = datetime.now(UTC) + PAUSES[min(attempt, len(PAUSES)) - 1]
    of = "" if SERVICE in run["tags"] else f" of {ATTEMPTS}"
    message = f"It crashed; attempt {attempt + 1}{of} goes on where it was."
    state: dict[str, Any] = _state("SCHEDULED", "AwaitingRetry", message)
    return state | {"state_details": {"scheduled_time": due.isoformat()}}


def _now() -> dict[str, str]:
    return _state("SCHEDULED", "Scheduled", "A clock was set back: this run was due already.")


def _state(kind: str, name: str, message: str) -> dict[str, str]:
    return {"type": kind, "name": name, "message": message}


def _set_state(client: httpx.Client, run: dict[str, Any], state: dict[str, Any]) -> str:
    body = {"state": state, "force": True}
    client.post(f"/flow_runs/{run['id']}/set_state", json=body).raise_for_status()
    return f"Run {run['name']}: {state['name']}. {state['message']}"
