"""The process of a shared endpoint: `python -m deployments.local.serve_shared FILE SECONDS [MEGABYTES]`.

Its address is in FILE while it answers; it ends when nobody has needed it for SECONDS.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from containers.common.locks import held
from containers.common.private import write_private
from deployments.local.attend import SharedExchange
from deployments.local.endpoint import LocalEndpoint
from deployments.local.neighbours import Neighbours, address_in


def main() -> None:
    """Prints its address once, for whoever started it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    place, keep_s, memory_mb = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    options = {"most": max(2, os.cpu_count() or 2), "memory_mb": float(memory_mb) if memory_mb else None}
    with LocalEndpoint(
        exchange=SharedExchange, idle_s=keep_s, neighbours=Neighbours(), **options
    ) as endpoint:
        write_private(place, json.dumps({"url": endpoint.url, "pid": os.getpid()}))
        print(endpoint.url, flush=True)
        sys.stdout.close()
        while not _over(endpoint, place, keep_s):
            time.sleep(min(1, keep_s / 2))


def _over(endpoint: LocalEndpoint, place: Path, keep_s: float) -> bool:
    """Nobody has attended for so long; then its address is gone too, so that nobody joins what ends."""
    if endpoint.idle_for() < keep_s:
        return False
    with held(place.with_suffix(".lock"), "a run that joins"):
        if endpoint.idle_for() < keep_s:
            return False
        if address_in(place) == endpoint.url:  # while this one was stopped, another may have taken its place
            place.unlink(missing_ok=True)
        return True


if __name__ == "__main__":
    main()
