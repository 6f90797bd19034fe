"""The model store goes away while an analysis runs, as a folder does that is unmounted."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from containers.common.models import store as models
from tasks.asset.manifest import Manifest

ROOT = Path(__file__).parents[3]
MARK = "MEDIAFLOW_MARK"  # in the environment of all processes of a run
pytestmark = pytest.mark.slow


def linked(source: Path, target: Path) -> Path:
    """The same store once more, without another copy of its content."""
    for place, _, names in os.walk(source):
        folder = target / Path(place).relative_to(source)
        folder.mkdir(parents=True)
        for name in names:
            os.link(Path(place, name), folder / name) if not name.startswith(".") else None
    return target


def analysing(clip: Path, output: Path, **variables: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "flows.analyze", str(clip), "--output", str(output)]
    command += ["--only", "diarize,tag"]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "MEDIAFLOW_KEEP_WARM": "0", **variables},  # images that end with the run
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left(mark: str) -> list[list[str]]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.cmdline())
        except psutil.Error:
            continue
    return found


def test_a_folder_that_vanishes_costs_the_stages_that_needed_it(clip: Path, tmp_path: Path) -> None:
    store, away = linked(models.store_folder(), tmp_path / "store"), tmp_path / "away"
    output = tmp_path / "out"
    told = {"MEDIAFLOW_MODELS": str(store), MARK: str(tmp_path)}
    run = analysing(clip, output, **told)
    deadline = time.monotonic() + 300
    while not list(output.glob(".cache/*/results/*")):  # decoded; images import what they need
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    store.rename(away)
    said, complaints = run.communicate(timeout=400)
    assert (run.returncode, complaints) == (1, ""), said + complaints
    (path,) = output.glob("*/manifest.json")
    stages = {stage.name: stage for stage in Manifest.model_validate_json(path.read_bytes()).stages}
    failed = [stage for stage in stages.values() if stage.status == "failed"]
    assert failed, said
    for stage in failed:
        assert stage.reason and re.fullmatch(
            r"Model '[\w-]+' is not in the store \S+: run `uv run \S+ -m flows.models fetch \S+`\.",
            stage.reason,
        )
    assert stages["check"].status == "done", "the rest goes on"
    assert left(str(tmp_path)) == []

    away.rename(store)
    again = analysing(clip, output, **told)
    said, complaints = again.communicate(timeout=400)
    assert (again.returncode, complaints) == (0, ""), said
