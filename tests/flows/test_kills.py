"""kill -9 at random moments of batches of 20 short media: of the flow's process, the worker and the server.

Nobody does anything about it but `make serve`: runs outlive their worker and the server, one whose process
was killed is started again. In the end every file is complete, what was finished before a kill was not done
again, files match their hashes and no process is left. Every other batch runs with limits installed.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import soundfile

from containers.common.models.store import sha256_of
from flows.left_behind import ATTEMPTS
from tasks.asset.manifest import Manifest
from tests.flows.serving import Server, serving

KILLS = int(os.environ.get("MEDIAFLOW_SOAK_KILLS", "30"))
MEDIA = 20
SECONDS = (0.0, 15.0)  # from the first stage that is finished after a kill to the next kill
STANDS = 300  # seconds without a process of the run: now it waits for a person
AT_ONCE = 0.2  # of the kills do not wait for a stage: they meet what is still starting
VICTIMS = {
    "flow": lambda command: "prefect.flow_engine" in command or "prefect.engine" in command,
    "worker": lambda command: "flows.child prefect worker" in command,
    "server": lambda command: "flows.child flows.local_server" in command,
}
MARK = "MEDIAFLOW_SOAK"  # in the environment of every process of this campaign, the images' too

Stamp = tuple[int, int]  # inode, time of change in ns


@dataclass
class Campaign:
    server: Server
    mark: str
    kills: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    engines: int = 0  # of this batch that were killed
    finished: dict[Path, Stamp] = field(default_factory=dict)

    def processes(self, kind: str) -> list[psutil.Process]:
        return [each for each in self.all() if VICTIMS[kind](" ".join(each.info["cmdline"] or ()))]

    def all(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter(["cmdline", "status"]):
            try:
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    yield process
            except psutil.Error:
                continue  # it ended, or is somebody else's

    def kill_one(self, output: Path) -> None:
        """Any of the three, whichever there is, as the kernel's out-of-memory killer does."""
        kinds = [kind for kind in VICTIMS if kind != "flow" or self.engines < ATTEMPTS - 1]
        kind = random.choice(kinds)
        victims = self.processes(kind)
        if not victims:
            return
        random.choice(victims).kill()
        self.kills[kind] += 1
        self.engines += kind == "flow"
        print(f"{time.strftime('%X')} kill {sum(self.kills.values())}: {kind}", flush=True)
        self.remember(output)

    def remember(self, output: Path) -> None:
        """What is finished at this moment: it must be the very same file at the end."""
        for path in [*output.glob(".cache/*/results/*"), *output.glob("*/manifest.json")]:
            try:
                json.loads(path.read_bytes())
                self.finished.setdefault(path, stamp(path))
            except (FileNotFoundError, ValueError):
                continue  # it was being written: not finished

    def state(self, run: dict[str, Any]) -> dict[str, Any] | None:
        """None while the server is away."""
        try:
            return self.server.call("GET", f"/flow_runs/{run['id']}")
        except httpx.HTTPError:
            return None

    def patiently(self, call: Any, *arguments: Any, **parameters: Any) -> Any:
        for _ in range(240):
            try:
                return call(*arguments, **parameters)
            except httpx.HTTPError:
                time.sleep(1)
        raise TimeoutError("the server did not come back")


def stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    mark = str(uuid.uuid4())
    home = tmp_path_factory.mktemp("prefect")
    with serving(home, **{MARK: mark, "PREFECT_WORKER_QUERY_SECONDS": "2"}) as (server, _):
        made = Campaign(server, mark)
        yield made
        assert {kind: bool(count) for kind, count in made.kills.items()} == dict.fromkeys(VICTIMS, True)
    _, alive = psutil.wait_procs(list(made.all()), timeout=30)
    assert [process.cmdline() for process in alive] == [], "orphans"


def clips(speech: Path, folder: Path) -> Path:
    """20 cuts of a second and a half, each of them different."""
    folder.mkdir()
    samples, rate = soundfile.read(speech)
    length = 3 * rate // 2
    for number in range(MEDIA):
        start = random.randrange(len(samples) - length)
        soundfile.write(folder / f"clip{number:02}.wav", samples[start : start + length], rate)
    return folder


def drive(campaign: Campaign, media: Path, output: Path) -> None:
    """Starts the batch, kills, and watches it end well: nobody else does anything."""
    parameters: dict[str, Any] = {
        "media": [str(media)],
        "output": str(output),
        "options": {"denoise": "off"},
        "at_once": 2,
    }
    run = campaign.patiently(campaign.server.start, "batch", **parameters)
    next_kill, had, worked = None, 0, time.monotonic()
    campaign.engines = 0
    while True:
        time.sleep(0.5)
        if next_kill is None and (has(output) > had or random.random() < AT_ONCE / 20):
            next_kill = time.monotonic() + random.uniform(*SECONDS)
        if next_kill and time.monotonic() > next_kill and sum(campaign.kills.values()) < KILLS:
            campaign.kill_one(output)
            next_kill, had, worked = None, has(output), time.monotonic()
        now = campaign.state(run)
        if now is None:
            continue
        if now["state_type"] == "COMPLETED":
            assert now["run_count"] <= campaign.engines + 1, "only a run that was killed itself starts again"
            return
        assert now["state_type"] not in ("FAILED", "CANCELLED"), now["state"]
        if campaign.processes("flow"):
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
    again = [path for path, then in campaign.finished.items() if path.exists() and stamp(path) != then]
    assert again == [], "finished before a kill, and done again"
    gone = [path for path in campaign.finished if not path.exists()]
    assert gone == []


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_whatever_is_killed_the_batch_completes_and_nothing_is_done_twice(
    campaign: Campaign, speech_wav: Path, tmp_path: Path
) -> None:
    while sum(campaign.kills.values()) < KILLS:
        campaign.batches += 1
        operate = [sys.executable, "-m", "flows.operate", "install" if campaign.batches % 2 else "remove"]
        subprocess.run(operate, env={**os.environ, **campaign.server.variables}, check=True)
        media, output = (
            clips(speech_wav, tmp_path / f"in{campaign.batches}"),
            tmp_path / f"out{campaign.batches}",
        )
        drive(campaign, media, output)
        check(output, campaign)
        print(
            f"{time.strftime('%X')} batch {campaign.batches} is complete: {dict(campaign.kills)}, "
            f"{len(campaign.finished)} results older than a kill unchanged",
            flush=True,
        )
        campaign.finished.clear()
        shutil.rmtree(media)
