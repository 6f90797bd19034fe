"""`make deploy`: the deployments of prefect.yaml on the Prefect server; what people set in the UI stays.

What is not there is made as prefect.yaml says. Of what is there, only what the code decides is brought up to
date: entrypoint, form, description and version. Schedules, whether they are paused, parameters, limits, job
variables, queue and tags are people's from then on; `--reset NAME` makes a deployment as the file says again.
"""

import argparse
import os
import sys

from containers.common.errors import UserError
from flows.server.secret import configured_url, know_secret

SERVED = "http://127.0.0.1:4200/api"  # where `make serve` answers unless told


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 done, 1 no server, or it refuses, 2 wrong usage."""
    chosen = _parser().parse_args(arguments)
    try:
        if not configured_url():
            os.environ["PREFECT_API_URL"] = SERVED
            know_secret()
        from flows.service.registration import deploy, make_pool

        for line in make_pool() if chosen.pool else deploy(chosen.reset, chosen.first):
            print(line)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.deploy",
        description="Register the deployments of prefect.yaml; what people set in the UI stays as it is.",
    )
    parser.add_argument(
        "--reset",
        action="append",
        default=[],
        metavar="NAME",
        help="make this deployment as prefect.yaml says, whatever was set in the UI; may be repeated",
    )
    parser.add_argument(
        "--pool",
        action="store_true",
        help="only make the work pool and its queues, where they are absent, for `prefect deploy --all`",
    )
    parser.add_argument(
        "--first", action="store_true", help="only where none is registered yet; else say what has changed"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
