"""`python -m deployments.local`: an endpoint of its own, until Ctrl-C or SIGTERM."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from deployments.local.endpoint import LocalEndpoint


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deployments.local", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; a free one when not given")
    parser.add_argument("--logs", type=Path, help="folder for the workers' logs; temporary when not given")
    parser.add_argument("--idle", type=float, default=600, metavar="SECONDS", help="ends idle workers")
    arguments = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with LocalEndpoint(port=arguments.port, logs=arguments.logs, idle_s=arguments.idle) as endpoint:
            print(f"export AWS_ENDPOINT_URL_LAMBDA={endpoint.url}", flush=True)
            print(f"Logs: {endpoint.logs}. Ctrl-C ends it.", file=sys.stderr, flush=True)
            stopped.wait()
    except OSError as error:
        print(f"The endpoint cannot be opened: {error.strerror or error}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
