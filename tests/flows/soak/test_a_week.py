"""A week in minutes: `make serve` with a night every minute, arrivals, outages and a killed worker.

Schedules of Prefect start batch, re-index, quality and housekeeping; two watchers take what comes in bursts
into a folder and into a bucket, with the same content under other names, names that come again, and messages
that come twice; the server and S3 with its queue are away at times, and the worker is killed. In the end each
content was analysed once, each arrival had its run, no run needed a person, and nothing has grown. S3 and SQS
are moto's. A change of summer time, which no night may miss or do twice, is in test_summer_time.py.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from containers.common.models import store as models
from tasks.asset.manifest import Manifest
from tests.containers.model_downloader.s3 import serving as s3
from tests.flows.serving import Server, serving
from tests.flows.soak.arriving import Arrivals
from tests.flows.soak.finished import Finished
from tests.flows.soak.growth import Growth, kilobytes, locks_of
from tests.flows.soak.processes import MARK, Processes, left
from tests.flows.soak.wire import Wire

MINUTES = float(os.environ.get("MEDIAFLOW_SOAK_MINUTES", "20"))
NIGHT = int(os.environ.get("MEDIAFLOW_SOAK_NIGHT", "1"))  # minutes; more where a machine is slower
BURST = 150  # seconds between two
LOOK = 15  # seconds between two measurements
AWAY = 45  # seconds
OVER = 900  # seconds in which what is under way in the end has to come to its end
NIGHTLY = ("batch", "reindex", "quality", "housekeeping")
CHECKS = 30  # of which quality keeps the pages


class Week:
    """What there is, and what happens to it."""

    def __init__(self, server: Server, processes: Processes, wire: Wire) -> None:
        self.server, self.processes, self._wire = server, processes, wire

    def without_server(self) -> str:
        (server,) = self.processes.of("server")
        server.suspend()
        time.sleep(AWAY)
        server.resume()
        return f"the server was away for {AWAY} s"

    def without_queue(self) -> str:
        self._wire.cut()
        time.sleep(AWAY)
        self._wire.mend()
        return f"queue and bucket were away for {AWAY} s"

    def without_worker(self) -> str:
        for worker in self.processes.of("worker"):
            worker.kill()
        return "the worker was killed"

    def nights(self, active: bool, media: Path, output: Path) -> None:
        """Every NIGHT minutes, set as an operator does it in the UI."""
        each = {"schedule": {"cron": f"*/{NIGHT} * * * *", "timezone": "Asia/Seoul"}, "active": active}
        for name in NIGHTLY:
            deployment = self.server.deployment(name)
            path = f"/deployments/{deployment['id']}"
            given = {"output": str(output)} | ({"media": [str(media)]} if name == "batch" else {})
            self.server.call("PATCH", path, parameters=given)
            if not deployment["schedules"]:
                self.server.send("POST", f"{path}/schedules", [each])
            for schedule in deployment["schedules"]:
                self.server.call("PATCH", f"{path}/schedules/{schedule['id']}", **each)

    def runs(self, *deployments: str, **wanted: object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        asked = {"deployments": {"name": {"any_": list(deployments)}}, "flow_runs": wanted or None}
        while page := self.server.call("POST", "/flow_runs/filter", **asked, limit=200, offset=len(found)):
            found += page
        return found

    def waiting(self) -> int:
        """Runs that are due and have not begun."""
        due = {"before_": datetime.now(UTC).isoformat()}
        wanted = {"state": {"type": {"any_": ["SCHEDULED"]}}, "expected_start_time": due}
        return self.server.call("POST", "/flow_runs/count", flow_runs=wanted)

    def limits(self) -> list[dict[str, Any]]:
        return self.server.call("POST", "/v2/concurrency_limits/filter")

    def cancel(self, run: dict[str, Any]) -> None:
        state = {"type": "CANCELLING"}
        self.server.call("POST", f"/flow_runs/{run['id']}/set_state", state=state, force=True)
        assert self.server.end_of(run)["state_type"] == "CANCELLED"


def note(text: str) -> None:
    print(time.strftime("%X"), text, flush=True)


def until(true: Callable[[], object], patience: float, what: Callable[[], object]) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, what()
        time.sleep(2)


def measures(week: Week, output: Path, home: Path, temporary: Path) -> dict[str, Callable[[], float]]:
    """Bytes by what they are for: assets, checks, runs."""
    quality = output / "quality"

    def of_home() -> float:
        return kilobytes(home) - kilobytes(home / "serve.log")

    before = of_home()

    def of_assets() -> float:
        assets = len(list(output.glob("*/manifest.json")))
        return (kilobytes(output) - kilobytes(quality)) / max(assets, 1)

    def of_checks() -> float:
        checks = sum(run["state_type"] == "COMPLETED" for run in week.runs("quality"))
        return kilobytes(quality) / min(max(checks, 1), CHECKS)

    def of_runs() -> float:
        runs = week.server.call("POST", "/flow_runs/count")
        return (of_home() - before) / max(runs, 1)

    return {
        "places of limits: at once": lambda: sum(limit["active_slots"] for limit in week.limits()),
        "locks: at once": lambda: locks_of(week.processes),
        "runs: waiting": week.waiting,
        "output, of an asset: kB each": of_assets,
        "output, of a check: kB each": of_checks,
        "home, of a run: kB each": of_runs,
        "temporary files: kB": lambda: kilobytes(temporary),
    }


def live(week: Week, arrivals: Arrivals, output: Path, growth: Growth, finished: Finished) -> None:
    """MINUTES of it: bursts all the time, and in turn what goes wrong, each twice but for the worker."""
    ways = [week.without_server, week.without_queue, week.without_worker]
    ways += ways[:2]
    began = burst = time.monotonic()
    while (now := time.monotonic()) < began + 60 * MINUTES:
        finished.remember(output)
        growth.measure()
        if ways and now > began + 60 * MINUTES * (6 - len(ways)) / 7:
            note(ways.pop(0)())
        if now > burst + BURST:
            arrivals.burst()
            burst = now
            note(f"{len(arrivals.contents)} contents, {arrivals.runs.total()} arrivals")
        time.sleep(max(0.0, LOOK - (time.monotonic() - now)))
    assert not ways, "nothing else is told of a week that was too short"


def end(week: Week, arrivals: Arrivals, media: Path, output: Path, watchers: list[dict[str, Any]]) -> None:
    """No further night; what is under way comes to its end."""
    week.nights(False, media, output)

    def under_way() -> list[str]:
        open_ = {"state": {"type": {"any_": ["RUNNING", "PENDING", "SCHEDULED", "CANCELLING"]}}}
        runs = week.runs(*NIGHTLY, "arrivals", **open_)
        return [f"{run['name']}: {run['state_name']}" for run in runs]

    def counts() -> object:
        runs = week.runs("arrivals")
        return len(runs), arrivals.runs.total(), arrivals.media_to_be_analysed(), under_way()

    until(lambda: len(week.runs("arrivals")) >= arrivals.runs.total() and not under_way(), OVER, counts)
    for watcher in watchers:
        week.cancel(watcher)


def check(week: Week, arrivals: Arrivals, output: Path, finished: Finished) -> None:
    """Each content was analysed once, each arrival had one run, and every run ended well by itself."""
    ended = week.runs("arrivals", *NIGHTLY)
    bad = [f"{run['name']}: {run['state_name']}: {run['state'].get('message')}" for run in ended]
    assert [said for said, run in zip(bad, ended, strict=True) if run["state_type"] != "COMPLETED"] == []
    started: dict[str, int] = dict.fromkeys(arrivals.runs, 0)
    for run in week.runs("arrivals"):
        started[run["parameters"]["media"]] += 1
    assert started == dict(arrivals.runs)
    manifests = {path.parent.name: path for path in output.glob(f"{16 * '[0-9a-f]'}/manifest.json")}
    assert set(manifests) == arrivals.contents
    for path in manifests.values():
        manifest = Manifest.model_validate_json(path.read_bytes())
        assert manifest.complete, manifest.stages
    assert finished.done_again() == [], "finished, and done again"
    assert finished.gone() == []


@pytest.mark.soak
@pytest.mark.timeout(60 * MINUTES + 3600)
def test_each_file_is_analysed_once_and_nothing_grows(speech_wav: Path, tmp_path: Path) -> None:
    home, media, output, temporary = (tmp_path / name for name in ("home", "media", "out", "tmp"))
    for folder in (home, media, temporary):
        folder.mkdir()
    processes = Processes(str(tmp_path))
    with s3() as (environment, _), pytest.MonkeyPatch.context() as patch:
        address = environment["AWS_ENDPOINT_URL_S3"]
        patch.setenv("AWS_ENDPOINT_URL", address)
        bucket = boto3.resource("s3").create_bucket(Bucket="media")
        queue = boto3.resource("sqs").create_queue(QueueName="arrivals")
        wire = Wire("127.0.0.1", int(address.rpartition(":")[2]))
        away = f"http://127.0.0.1:{wire.port}"
        told = environment | {"AWS_ENDPOINT_URL": away, "AWS_ENDPOINT_URL_S3": away, MARK: processes.mark}
        told |= {"TMPDIR": str(temporary), "MEDIAFLOW_MODELS": str(models.store_folder())}
        told |= {"PREFECT_WORKER_QUERY_SECONDS": "2", "AWS_REGION": "us-east-1"}
        try:
            with serving(home, **told) as (server, _):
                operate = [sys.executable, "-m", "flows.operate", "install"]
                subprocess.run(operate, env={**os.environ, **server.variables}, check=True)
                week = Week(server, processes, wire)
                arrivals = Arrivals(speech_wav, media, output, bucket, queue)
                sources = {"source": str(media), "every": 2}, {"source": "sqs:arrivals"}
                watchers = [server.start("watch", output=str(output), **each) for each in sources]
                week.nights(True, media, output)
                arrivals.burst()
                note("the first burst")
                until(lambda: not arrivals.media_to_be_analysed(), OVER, arrivals.media_to_be_analysed)
                note("is analysed")
                growth = Growth(processes, measures(week, output, home, temporary))
                finished = Finished(manifests=False)  # where a name has come anew, the manifest may say so
                live(week, arrivals, output, growth, finished)
                end(week, arrivals, media, output, watchers)
                report(week, arrivals, growth)
                (tmp_path / "series.json").write_text(json.dumps(growth.series))
                check(week, arrivals, output, finished)
                over = partial(left, processes)
                until(
                    lambda: not over(week.limits(), output.rglob("*.lock")),
                    240,
                    lambda: over(week.limits(), output.rglob("*.lock")),
                )
                assert growth.grown() == {}, "the first third and the last"
        finally:
            wire.close()


def report(week: Week, arrivals: Arrivals, growth: Growth) -> None:
    nights = {name: len(week.runs(name)) for name in NIGHTLY}
    again = sum(run["run_count"] > 1 for run in week.runs("arrivals", *NIGHTLY))
    print(json.dumps({"nights": nights, "runs started again": again, "arrivals": arrivals.runs.total()}))
    print(json.dumps({"contents": len(arrivals.contents), "load": os.getloadavg()}))
    for name, (first, last) in sorted(growth.thirds().items()):
        print(f"{name}: {first:g} -> {last:g}", flush=True)
