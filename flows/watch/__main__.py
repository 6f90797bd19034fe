"""`python -m flows.watch FOLDER|sqs:QUEUE --output DIR`: new media start by themselves.

Every file that has come to rest in FOLDER, every media object that QUEUE tells of, becomes one run of the
deployment `arrivals`: the server knows each (by path, size and time; by bucket, key and version), so that a
restart of this command, two of them, or a message that comes twice start nothing twice. The deployment
`watch` does the same as a run of its own, which `make serve` keeps going.
"""

import argparse
import signal
import sys
from pathlib import Path

from containers.common.errors import UserError
from flows.analyze.__main__ import quiet_prefect
from flows.settings.load import apply
from flows.watch.arrivals import Ledger
from tasks.asset.bucket import location


def main(arguments: list[str] | None = None) -> int:
    """Runs until it is interrupted. Exit code: 1 no server or no folder, 2 wrong usage, 130 interrupted."""
    chosen = _parser().parse_args(arguments)
    quiet_prefect()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        apply()
        from flows.watch.flow import keep_watching

        ledger = Ledger(chosen.source, chosen.output, _say)
        keep_watching(chosen.source, ledger, chosen.every, _complain)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # nobody reads any more what it says
        return 1
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _complain(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.watch", description="Analyse what arrives, through a Prefect server."
    )
    parser.add_argument(
        "source",
        metavar="FOLDER|sqs:QUEUE",
        help="a folder, looked at with everything below it; or the name or URL of an SQS queue that tells of "
        "new objects in a bucket",
    )
    parser.add_argument(
        "--output",
        type=location,
        default=Path("out"),
        help="folder or s3:// prefix of asset folders (%(default)s)",
    )
    parser.add_argument(
        "--every",
        type=float,
        default=10,
        help="seconds between looks; a file that rested for so long is whole (%(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
