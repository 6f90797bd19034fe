"""Evaluations that failed (OUT/evaluations/KIND/RUN.failed): the notebook as far as it came, and findings."""

import time

from tasks.asset.bucket import Location
from tasks.housekeeping.freed import Freed, bytes_of

DAY = 24 * 3600.0


def clear_evaluations(output: Location, days: float) -> Freed:
    """Those of more than `days` days ago; what finished stays, since it can be scored and compared again."""
    found = Freed(what="failed evaluations", why=f"of more than {days:g} days ago")
    if isinstance(output, str):  # evaluations are of a folder
        return found
    before = time.time() - days * DAY
    for run in (output / "evaluations").glob("*/*.failed"):
        if run.is_symlink() or run.parent.is_symlink() or not run.is_dir():
            continue
        if run.stat().st_mtime < before:
            found.remove(run)
        else:
            found.left += bytes_of(run)
    return found
