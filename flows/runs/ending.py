"""Runs that are asked to end do so at once, or in time, whatever holds their threads.

Prefect takes SIGTERM for itself while a flow runs: it raises in the main thread and then waits for every task
under way: for a film's analysis in a batch, or for ever where the exception came into the middle of an
import, whose lock nobody frees then. So commands keep their own way to end, and a worker's run has a clock.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

GRACE = 20.0  # seconds; what is finished is kept, and what is written is whole at any moment
_started: list[ExitStack] = []  # of the command that this process is


def stop_on_signals(started: ExitStack) -> None:
    """Ctrl-C and SIGTERM end workers and server first: stages waiting for them could not be interrupted."""
    _started.append(started)
    listen()


def stoppable(flow: Any) -> Any:
    """The flow for a command to call, which listens to signals again once Prefect has begun it."""
    return flow.with_options(on_running=[*flow.on_running_hooks, listen])


def listen(*_: object) -> None:
    """A hook of a flow; it knows nothing that could not be sent to a cluster with it."""
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)


def _stop(number: int, frame: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for started in _started:
        started.close()
    print("Interrupted; the same command continues where this run stopped.", file=sys.stderr, flush=True)
    os._exit(128 + number)


@contextmanager
def ending_in_time(grace: float = GRACE) -> Iterator[None]:
    """`grace` seconds after the block was ended by a signal, the process of a worker's run ends anyway."""
    from prefect.exceptions import TerminationSignal  # a second that commands are spared at first

    try:
        yield
    except TerminationSignal:
        if "PREFECT__FLOW_RUN_ID" in os.environ:
            timer = threading.Timer(grace, os._exit, [128 + signal.SIGTERM])
            timer.daemon = True
            timer.start()
        raise
