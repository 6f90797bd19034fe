"""Two machines, one pool and one bucket, the server's database on PostgreSQL; one of them dies in the middle.

Each machine is `make serve` with a home, a host name and processes of its own (namespaces of Linux): none
sees whether the other's processes live. Two batches of 0.7 s clips, each by Dask across processes, share a
fifth of their files. The worker of the first is killed, then all of the second at once. S3 is moto's. Of the
models only the one for sounds runs (its weights are made): what is tried is who does what, not what is found.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import soundfile

from containers.common.models import store as models
from tests.flows.serving import ROOT, Server, serving
from tests.flows.soak.postgres import postgres
from tests.flows.soak.whole import MANIFEST, whole

FILES = int(os.environ.get("MEDIAFLOW_SOAK_FILES", "200"))
SECONDS = 0.7
PATIENCE = 3600.0  # seconds


@pytest.fixture
def media(shared: Any, speech_wav: Path, tmp_path: Path) -> list[str]:
    """Cuts of the telephone call."""
    samples, rate = soundfile.read(speech_wav)
    step = (len(samples) - int(SECONDS * rate)) // FILES
    for number in range(FILES):
        cut = samples[number * step : number * step + int(SECONDS * rate)]
        soundfile.write(tmp_path / "cut.wav", cut, rate)
        shared.upload_file(str(tmp_path / "cut.wav"), f"in/{number:03}.wav")
    return [f"s3://{shared.name}/in/{number:03}.wav" for number in range(FILES)]


@contextmanager
def second_machine(server: Server, home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Joins the pool as the page says. Killed, it takes all its processes along."""
    alone = ["unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
    command = ["sh", "-c", 'hostname second; exec "$@"', "sh", sys.executable, "-m", "flows.serve"]
    own = {**os.environ, **server.variables, **places(home), "PREFECT_WORKER_QUERY_SECONDS": "2"}
    with (home / "serve.log").open("wb") as log:
        process = subprocess.Popen([*alone, *command], cwd=ROOT, env=own, stdout=log, stderr=log)
        try:
            until(lambda: "Ready: " in (home / "serve.log").read_text(), 300, lambda: process.poll())
            yield process
        finally:
            process.kill()
            process.wait()


def places(home: Path) -> dict[str, str]:
    own = {"HOME": home, "PREFECT_HOME": home, "XDG_CACHE_HOME": home / "cache", "TMPDIR": home / "tmp"}
    for place in own.values():
        place.mkdir(parents=True, exist_ok=True)
    return {name: str(place) for name, place in own.items()} | {
        "MEDIAFLOW_MODELS": str(models.store_folder())
    }


def until(true: Callable[[], object], patience: float, what: Callable[[], object]) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, what()
        time.sleep(1)


def note(text: str) -> None:
    print(time.strftime("%X"), text, flush=True)


@pytest.mark.soak
@pytest.mark.timeout(2 * PATIENCE)
@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="a machine of its own wants root")
def test_two_machines_do_two_hundred_files_while_one_of_them_dies(
    shared: Any, media: list[str], tmp_path: Path
) -> None:
    with ExitStack() as started:
        database = started.enter_context(postgres())
        home = tmp_path / "first"
        told = {"PREFECT_API_DATABASE_CONNECTION_URL": database, "PREFECT_WORKER_QUERY_SECONDS": "2"}
        server, first = started.enter_context(serving(home, **places(home), **told))
        second = started.enter_context(second_machine(server, tmp_path / "second"))
        batch = server.deployment("batch")
        assert batch["global_concurrency_limit"]["limit"] == 1
        server.call("PATCH", f"/deployments/{batch['id']}", concurrency_limit=2)  # as the page says
        output = f"s3://{shared.name}/out"
        given = {"output": output, "runner": "dask", "at_once": 2, "options": {"only": ["sounds"]}}

        def done() -> int:
            return sum(bool(MANIFEST.fullmatch(item.key)) for item in shared.objects.filter(Prefix="out/"))

        def place(run: dict[str, Any]) -> str:
            """The machine whose worker has it; nothing before that."""
            found = server.call("GET", f"/flow_runs/{run['id']}")
            return found["labels"].get("prefect.worker.name", "") if found["infrastructure_pid"] else ""

        began = time.monotonic()
        workers = {"second": worker_of(second), socket.gethostname(): worker_of(first)}
        runs: dict[str, dict[str, Any]] = {}
        for files in (media[: FILES * 3 // 5], media[FILES * 2 // 5 :]):
            run = server.start("batch", media=files, **given)
            until(lambda run=run: place(run), 300, lambda: "nobody took it")
            where = place(run)
            note(f"{len(files)} files on {where}")
            runs[where] = run
            workers[where].suspend()  # it takes no other
        for worker in workers.values():
            worker.resume()
        assert len(runs) == 2, runs
        until(lambda: done() > FILES // 5, PATIENCE, done)
        worker_of(first).kill()
        note(f"{done()} assets are there: the first machine's worker is killed")
        until(lambda: done() > FILES * 2 // 5, PATIENCE, done)
        second.kill()
        second.wait()
        note(f"{done()} assets are there: the second machine is gone")
        for where, run in runs.items():
            ended = server.end_of(run, PATIENCE)
            note(f"of {where}: {ended['state_name']} after {ended['run_count']} attempts, on {place(run)}")
            assert ended["state_type"] == "COMPLETED", ended["state"]
            assert ended["run_count"] == (2 if where == "second" else 1), "nobody else's run is touched"
        note(f"{done()} assets after {time.monotonic() - began:.0f} s")
        whole(shared, [f"{number:03}" for number in range(FILES)])
        told_once(home / "serve.log")


def worker_of(serve: "subprocess.Popen[bytes]") -> psutil.Process:
    below = psutil.Process(serve.pid).children(recursive=True)
    (found,) = [each for each in below if "flows.server.child prefect worker" in " ".join(each.cmdline())]
    return found


def told_once(log: Path) -> None:
    said = log.read_text()
    assert "Traceback" not in said, said
    crashed = [line for line in said.splitlines() if "The process of this run is gone" in line]
    assert len(crashed) == 1, said
