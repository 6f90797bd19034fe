"""SIGTERM at every stage: the run ends at once with its processes, and the same command goes on there.

With images and a server of its own, which end with it, and with those that runs share, which stay.
"""

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest

from tasks.asset.manifest import Manifest
from tasks.stages.registry import STAGES
from tests.flows.soak.processes import MARK, Processes, held

ROOT = Path(__file__).parents[3]
ENDS = 30  # seconds, on a machine that others use too
STAY = 0.5  # minutes that shared images and servers wait for the next run
STARTED = re.compile(r"(\w+): started")


def begin(media: Path, output: Path, mark: str, stay: float) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "flows.analyze", str(media), "--output", str(output)],
        cwd=ROOT,
        env={**os.environ, "PREFECT_HOME": f"{output}-home", "MEDIAFLOW_KEEP_WARM": str(stay), MARK: mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_at_a_new_stage(run: "subprocess.Popen[str]", ended_at: set[str]) -> str | None:
    """Asks the run to end as soon as a stage begins at which none was ended yet; None: none did."""
    assert run.stdout
    for line in run.stdout:
        found = STARTED.match(line)
        if found and found[1] not in ended_at:
            run.terminate()
            return found[1]
    return None


def of_the_run(processes: Processes, stay: float) -> list[psutil.Process]:
    """Those that have to end with it."""
    shared = [each for kind in ("endpoint", "image", "server") for each in processes.of(kind)] if stay else []
    return [each for each in processes.all() if each not in shared]


def finished(output: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in output.glob(".cache/*/results/*")}


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("stay", [0, STAY])
def test_a_run_that_is_asked_to_end_at_any_stage_continues_there(
    demo_video: Path, tmp_path: Path, stay: float
) -> None:
    output, ended_at, processes = tmp_path / "out", set[str](), Processes(str(uuid.uuid4()))
    while True:
        run = begin(demo_video, output, processes.mark, stay)
        stage = end_at_a_new_stage(run, ended_at)
        began = time.monotonic()
        _, complaints = run.communicate(timeout=600)
        if stage is None:
            break
        assert run.returncode == 128 + signal.SIGTERM, complaints
        assert complaints == "Interrupted; the same command continues where this run stopped.\n"
        assert time.monotonic() < began + ENDS
        _, alive = psutil.wait_procs(of_the_run(processes, stay), timeout=5)
        assert [each.cmdline() for each in alive] == []
        assert held(output.rglob("*.lock")) == []
        ended_at.add(stage)
        kept = finished(output)
        print(f"{time.strftime('%X')} ended at {stage}, {len(kept)} stages finished", flush=True)
    assert (run.returncode, complaints) == (0, "")
    again = {path: when for path, when in finished(output).items() if kept.get(path, when) != when}
    assert again == {}, "finished before and done again"
    (path,) = output.glob("*/manifest.json")
    manifest = Manifest.model_validate_json(path.read_bytes())
    assert manifest.complete
    done = {stage.name for stage in manifest.stages if stage.status == "done"}
    assert ended_at >= done - {"decode"}, f"not ended at {done - ended_at}"
    assert len(ended_at) > len(STAGES) // 2
    _, alive = psutil.wait_procs(list(processes.all()), timeout=60 * stay + 30)
    assert [each.cmdline() for each in alive] == []
