"""A hundred faults in random order over batches of 20 short media, with the real images and models.

Media and models lie on S3, assets on a small disk of their own. Processes of every kind are killed, asked to
end and stopped; the disk is full, S3 away or silent, the clock wrong, memory short. Nobody does anything
about it but `make serve`. Only where the disk or the memory refused a file twice does a person start the
batch again. In the end every file is complete, what was finished before a fault was not done again, files
match their hashes, and no process, place or lock is left. Every other batch runs with limits installed. Half
of the faults meet images that all runs share, as those of `make serve` do, half images of one run alone.
"""

import json
import os
import random
import re
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx
import psutil
import pytest
import soundfile

from containers.common.models import store as models
from containers.common.models.store import sha256_of
from containers.model_downloader.fetch import choose
from containers.model_downloader.publish import publish
from tasks.asset.manifest import Manifest
from tests.containers.model_downloader.s3 import serving as s3
from tests.flows.serving import Server, serving
from tests.flows.soak.clock import Clock
from tests.flows.soak.disk import Disk
from tests.flows.soak.finished import Finished
from tests.flows.soak.harm import Harm
from tests.flows.soak.processes import MARK, Processes, left
from tests.flows.soak.wire import Wire

FAULTS = int(os.environ.get("MEDIAFLOW_SOAK_FAULTS", "50"))  # for each way to have images
MEDIA = 20
PAUSE = (0.0, 8.0)  # seconds from the first stage that is finished after a fault to the next fault
STANDS = 300  # seconds without a process of the run: now it waits for a person
AT_ONCE = 0.2  # of the faults do not wait for a stage: they meet what is still starting


@dataclass
class Campaign:
    server: Server
    harm: Harm
    bucket: Any
    home: Path
    shared: bool  # images outlive their runs
    again: Counter[str] = field(default_factory=Counter)  # batches that a person started again
    finished: Finished = field(default_factory=Finished)

    def crashes_told(self, run: str) -> int:
        """By Prefect's worker: one is told twice at times, and ends the attempt that has begun meanwhile."""
        log = (self.home / "serve.log").read_text(errors="replace")
        return len(re.findall(rf"Reported flow run '{run}' as crashed", log))

    def patiently(self, call: Any, *arguments: Any, **parameters: Any) -> Any:
        for _ in range(240):
            try:
                return call(*arguments, **parameters)
            except httpx.HTTPError:
                time.sleep(1)
        raise TimeoutError("the server did not come back")


def note(text: str) -> None:
    print(time.strftime("%X"), text, flush=True)


@pytest.fixture(scope="module", params=["shared images", "own images"])
def campaign(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    shared = request.param == "shared images"
    note(request.param)
    home, shifts = tmp_path_factory.mktemp("prefect"), tmp_path_factory.mktemp("clock")
    disk, clock = Disk(tmp_path_factory.mktemp("disk") / "out"), Clock(shifts)
    processes = Processes(str(uuid.uuid4()))
    note("disk: " + ("may be full" if disk.there else "stays as it is: this user may mount none"))
    note("clock: " + ("may be wrong" if clock.variables else "stays right: there is no C compiler"))
    store = models.store_folder()
    with s3() as (environment, place):
        bucket = boto3.resource("s3").create_bucket(Bucket="media")
        assert all(each.status == "fetched" for each in publish(choose([], "starter"), store, place))
        wire = Wire("127.0.0.1", int(environment["AWS_ENDPOINT_URL_S3"].rpartition(":")[2]))
        told = environment | clock.variables | {MARK: processes.mark, "PREFECT_WORKER_QUERY_SECONDS": "2"}
        told |= {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{wire.port}", "MEDIAFLOW_MODELS": place}
        told |= {"MEDIAFLOW_MODEL_CACHE": str(tmp_path_factory.mktemp("models"))}
        told |= {} if shared else {"MEDIAFLOW_KEEP_WARM": "0"}
        try:
            with serving(home, **told) as (server, _):
                yield Campaign(server, Harm(processes, wire, disk, clock), bucket, home, shared)
            _, alive = psutil.wait_procs(list(processes.all()), timeout=30)
            assert [process.cmdline() for process in alive] == [], "orphans"
        finally:
            wire.close()
            disk.close()


def clips(speech: Path, bucket: Any, number: int, scratch: Path) -> str:
    """20 cuts of a second and a half, each of them different; where they are on S3."""
    samples, rate = soundfile.read(speech)
    length = 3 * rate // 2
    for each in range(MEDIA):
        start = random.randrange(len(samples) - length)
        soundfile.write(scratch / "clip.wav", samples[start : start + length], rate)
        bucket.upload_file(str(scratch / "clip.wav"), f"batch{number}/clip{each:02}.wav")
    return f"s3://{bucket.name}/batch{number}"


def drive(campaign: Campaign, media: str, output: Path) -> None:
    """Starts the batch, harms it, and watches it end well."""
    options = {"denoise": "off"}
    given: dict[str, Any] = {"media": [media], "output": str(output), "options": options, "at_once": 2}
    while True:
        campaign.harm.begin()
        run = campaign.patiently(campaign.server.start, "batch", **given)
        ended = watch(campaign, run, output)
        if ended["state_type"] == "COMPLETED":
            ends = max(campaign.harm.engines, campaign.crashes_told(run["id"]))
            assert ended["run_count"] <= ends + 1, "only what was ended starts again"
            return
        said = ended["state"]["message"]
        assert campaign.harm.refused and "Unexpected" not in said, f"{ended['state_name']}: {said}"
        campaign.again["batches started again"] += 1
        note(f"started again: {said}")


def watch(campaign: Campaign, run: dict[str, Any], output: Path) -> dict[str, Any]:
    harm, due, had, worked = campaign.harm, None, has(output), time.monotonic()
    while True:
        time.sleep(0.5)
        if due is None and (has(output) > had or random.random() < AT_ONCE / 20):
            due = time.monotonic() + random.uniform(*PAUSE)
        if due and time.monotonic() > due and harm.faults.total() < FAULTS:
            campaign.finished.remember(output)
            if said := harm.any():
                note(f"{harm.faults.total()}: {said}")
            due, had, worked = None, has(output), time.monotonic()
        try:
            now = campaign.server.call("GET", f"/flow_runs/{run['id']}")
        except httpx.HTTPError:
            continue  # the server is away
        if now["state_type"] in ("COMPLETED", "FAILED", "CANCELLED"):
            return now
        if harm.processes.of("flow"):
            worked = time.monotonic()
        assert time.monotonic() < worked + STANDS, f"{now['state_name']}: nobody goes on with it"


def has(output: Path) -> int:
    """Stages finished."""
    return len(list(output.glob(".cache/*/results/*")))


def check(output: Path, campaign: Campaign) -> None:
    manifests = list(output.glob("*/manifest.json"))
    assert len(manifests) == MEDIA
    for path in manifests:
        manifest = Manifest.model_validate_json(path.read_bytes())
        assert manifest.complete, manifest.stages
        for name, entry in manifest.files.items():
            assert sha256_of(path.parent / name) == entry.sha256, f"{path.parent / name} is damaged"
    assert campaign.finished.done_again() == [], "finished before a fault, and done again"
    assert campaign.finished.gone() == []
    nothing_is_left(output, campaign)


def nothing_is_left(output: Path, campaign: Campaign) -> None:
    campaign.harm.clock.move(0)
    processes, over = campaign.harm.processes, ["?"]
    locks = [*output.rglob("*.lock"), campaign.home / "mediaflow-server-start.lock"]
    deadline = time.monotonic() + 240  # a place of a killed run comes back when its lease has run out
    while over and time.monotonic() < deadline:
        time.sleep(2)
        limits = campaign.patiently(campaign.server.call, "POST", "/v2/concurrency_limits/filter")
        over = left(processes, limits, locks)
        if not campaign.shared:
            images = [*processes.of("endpoint"), *processes.of("image")]
            over += [f"process {each.pid}" for each in images]
    assert over == []


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
def test_whatever_happens_the_batch_completes_and_nothing_is_done_twice(
    campaign: Campaign, speech_wav: Path, tmp_path: Path
) -> None:
    began, batches, kept = time.monotonic(), 0, 0
    while campaign.harm.faults.total() < FAULTS:
        batches += 1
        operate = [sys.executable, "-m", "flows.operate", "install" if batches % 2 else "remove"]
        subprocess.run(operate, env={**os.environ, **campaign.server.variables}, check=True)
        media = clips(speech_wav, campaign.bucket, batches, tmp_path)
        output = campaign.harm.disk.folder / f"out{batches}"
        drive(campaign, media, output)
        check(output, campaign)
        kept += len(campaign.finished)
        campaign.finished.forget()
        note(f"batch {batches} is complete")
    figures = {"faults": campaign.harm.faults, "batches": batches, "kept": kept, **campaign.again}
    print(json.dumps({**figures, "seconds": round(time.monotonic() - began)}), flush=True)
    wanted = {"process", "network", "memory"}
    wanted |= {"disk"} if campaign.harm.disk.there else set()
    wanted |= {"clock"} if campaign.harm.clock.variables else set()
    assert FAULTS < 50 or {each.partition(":")[0] for each in campaign.harm.faults} == wanted
