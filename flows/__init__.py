"""What people run and schedule."""

import logging
import os

from containers.common.errors import UserError
from flows.runs.outlive import outlive_readers
from flows.server.secret import know_secret

# Prefect phones home unless told otherwise; an explicit setting of the user's wins.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
know_secret()
# Pauses of 2, 4, 8... seconds: a run waits two minutes for a server that is away.
os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "6")


# Said by the state, or of no interest to who reads a run's log.
NOISE = ("Engine execution exited", "Running hook ", "Hook ")


def _log_plainly(record: logging.LogRecord) -> bool:
    """A UserError's sentence says everything; the place in our code where it was raised helps nobody."""
    if record.exc_info and isinstance(record.exc_info[1], UserError):
        record.exc_info = None
    return not record.getMessage().startswith(NOISE)


for _runs in ("prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_runs).addFilter(_log_plainly)

if "PREFECT__FLOW_RUN_ID" in os.environ:  # a run of a worker
    outlive_readers()
