"""SIGTERM at every stage: the run ends at once with its processes, and the same command goes on there."""

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
STARTED = re.compile(r"(\w+): started")


def begin(media: Path, output: Path, mark: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "flows.analyze", str(media), "--output", str(output)],
        cwd=ROOT,
        env={**os.environ, "MEDIAFLOW_KEEP_WARM": "0", MARK: mark},  # images that end with the run
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


def finished(output: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in output.glob(".cache/*/results/*")}


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_run_that_is_asked_to_end_at_any_stage_continues_there(demo_video: Path, tmp_path: Path) -> None:
    output, ended_at = tmp_path / "out", set[str]()
    while True:
        mark = str(uuid.uuid4())
        run = begin(demo_video, output, mark)
        stage = end_at_a_new_stage(run, ended_at)
        began = time.monotonic()
        _, complaints = run.communicate(timeout=600)
        if stage is None:
            break
        assert run.returncode == 128 + signal.SIGTERM, complaints
        assert complaints == "Interrupted; the same command continues where this run stopped.\n"
        assert time.monotonic() < began + ENDS
        _, alive = psutil.wait_procs(list(Processes(mark).all()), timeout=5)
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
