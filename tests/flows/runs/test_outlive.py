"""A run goes on when the worker that reads its output is killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RUN = """
import subprocess, sys, time
import flows
from rich.console import Console
console = Console(stderr=True)
print("begins", flush=True)
sys.stdin.readline()  # until the reader has gone, or not
console.print("a line of Prefect's log")
print("a line", flush=True)
subprocess.run(["echo", "a child's line"], check=True)
open(sys.argv[1], "w").write("went on")
print("ends")
"""


def started(done: Path, **more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(done)],
        cwd=ROOT,
        env={**os.environ, **more},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_run_outlives_who_reads_its_output(tmp_path):
    done = tmp_path / "done"
    run = started(done, PREFECT__FLOW_RUN_ID="a run of a worker")
    assert run.stdin and run.stdout and run.stderr
    assert run.stdout.readline() == "begins\n"
    run.stdout.close()
    run.stderr.close()
    run.stdin.close()
    assert run.wait(60) == 0
    assert done.read_text() == "went on"


@pytest.mark.parametrize("more", [{"PREFECT__FLOW_RUN_ID": "a run of a worker"}, {}])
def test_everything_arrives_where_somebody_reads(tmp_path, more):
    said, complained = started(tmp_path / "done", **more).communicate("\n", timeout=60)
    assert said == "begins\na line\na child's line\nends\n"
    assert complained == "a line of Prefect's log\n"
