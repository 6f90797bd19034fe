"""A worker's run that is asked to end is gone in time, though a task of it stands still for ever."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RUN = """
import threading
from prefect.exceptions import TerminationSignal
from flows.runs.ending import ending_in_time

stuck = threading.Thread(target=threading.Event().wait)
stuck.start()
try:
    with ending_in_time(0.5):
        raise TerminationSignal(15)
except TerminationSignal:
    print("asked to end", flush=True)
stuck.join({patience})
"""


@pytest.mark.parametrize(("run_id", "code"), [("1", 128 + signal.SIGTERM), ("", 3)])
def test_only_a_worker_s_run_is_ended_by_the_clock(run_id: str, code: int) -> None:
    """A process of a person's own has its own way to end, and may live on."""
    own = {name: value for name, value in os.environ.items() if name != "PREFECT__FLOW_RUN_ID"}
    own |= {"PREFECT__FLOW_RUN_ID": run_id} if run_id else {}
    text = RUN.format(patience="60" if run_id else "2") + "import os; os._exit(3)"
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, env=own, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (code, "asked to end\n"), done.stderr
