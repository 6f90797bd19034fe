"""A run of a worker that is asked to end does so in time, whatever holds its threads.

Prefect raises in the main thread and then waits for every task that is under way: for a film's analysis in a
batch, or for ever where the exception came into the middle of an import, whose lock nobody frees then.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.exceptions import TerminationSignal

GRACE = 20.0  # seconds; what is finished is kept, and what is written is whole at any moment


@contextmanager
def ending_in_time(grace: float = GRACE) -> Iterator[None]:
    """`grace` seconds after the block was ended by a signal, the process of a worker's run ends anyway."""
    try:
        yield
    except TerminationSignal:
        if "PREFECT__FLOW_RUN_ID" in os.environ:
            timer = threading.Timer(grace, os._exit, [128 + signal.SIGTERM])
            timer.daemon = True
            timer.start()
        raise
