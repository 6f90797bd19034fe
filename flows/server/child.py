"""`python -m flows.server.child MODULE [ARGUMENT...]`: a process that ends with its parent, however it ended.

Its standard input is the parent's end of a pipe that nobody writes to; when the parent is gone, it closes.
"""

import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from typing import Any

GRACE = 10  # seconds that a child has to end by itself


def start_child(module: str, *arguments: str, **options: Any) -> "subprocess.Popen[Any]":
    """Starts `python -m module` so that it ends with this process; `options` are Popen's."""
    command = [sys.executable, "-m", "flows.server.child", module, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, **options)


def end_child(process: "subprocess.Popen[Any]") -> None:
    """Asks it to end, and ends it where it does not. Returns when it is gone."""
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        process.stdin.close()


def _end_with_parent(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)


def main() -> None:
    """Runs the module in this process, its own standard input empty."""
    lifeline = os.dup(0)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
