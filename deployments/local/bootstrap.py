"""Runs `awslambdaric` in a worker process that never outlives its endpoint.

Started by path, so that nothing but the image's handler and awslambdaric is imported. The worker's
standard input is a pipe that the endpoint holds open. When the endpoint ends in any way, kill -9
included, the kernel closes the pipe, and the worker takes its whole process group with it. (Linux's
parent-death signal would not do: it fires when the *thread* that started the worker ends.)
"""

import contextlib
import os
import select
import signal
import sys
import threading


def end_with_endpoint(pipe: int) -> None:
    """Waits for the end of `pipe`, or for a new parent (a fork of the endpoint may hold the pipe too)."""
    parent = os.getppid()
    while not select.select([pipe], [], [], 1.0)[0] and os.getppid() == parent:
        pass
    import psutil  # only now: a worker that ends in peace never needs it

    for child in psutil.Process().children(recursive=True):  # those in sessions of their own too
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    pipe = os.dup(0)  # not inherited by the handler's own children
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    threading.Thread(target=end_with_endpoint, args=(pipe,), daemon=True).start()
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    from awslambdaric.__main__ import main as run

    run(["awslambdaric", os.environ["_HANDLER"]])


if __name__ == "__main__":
    main()
