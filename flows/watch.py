"""`python -m flows.watch FOLDER|sqs:QUEUE --output DIR`: new media start by themselves.

Every file that has come to rest in FOLDER, every media object that QUEUE tells of, becomes one run of the
deployment `analyze`: the server knows each (by path, size and time; by bucket, key and version), so that a
restart of this command, two of them, or a message that comes twice start nothing twice.
"""

import argparse
import hashlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast

from containers.common.errors import MediaError, UserError
from flows.analyze.__main__ import quiet_prefect
from flows.settings.load import apply
from tasks.asset.bucket import Location, absolute, location
from tasks.media.find import look_below

DEPLOYMENT = "analyze/analyze"
QUEUE = "sqs:"


class Seen(NamedTuple):
    """A file as it lay there at one look."""

    path: Path
    size: int
    changed: int  # ns

    @property
    def key(self) -> str:
        """The same for the same content at the same place."""
        return hashlib.sha256(repr((str(self.path), self.size, self.changed)).encode()).hexdigest()


def main(arguments: list[str] | None = None) -> int:
    """Runs until it is interrupted. Exit code: 1 no server or no folder, 2 wrong usage, 130 interrupted."""
    chosen = _parser().parse_args(arguments)
    quiet_prefect()
    try:
        apply()
        if chosen.source.startswith(QUEUE):
            follow(chosen.source.removeprefix(QUEUE), chosen.output)
        else:
            for seen in arrivals(Path(chosen.source), chosen.every):
                print(f"{seen.path}: {start(str(seen.path), seen.key, chosen.output)}", flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


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


def follow(queue: str, output: Location) -> None:
    """Starts what the queue tells of, for ever. A message leaves the queue when its runs are asked for."""
    from flows.aws import client
    from flows.bucket_events import NotUnderstood, Queue, read_message

    messages = Queue(client("sqs"), queue)
    for receipt, body in messages.messages():
        try:
            arrived = read_message(body)
        except NotUnderstood as error:
            print(
                f"{error} It stays in the queue, for a dead-letter queue to take.",
                file=sys.stderr,
                flush=True,
            )
            continue
        for each in arrived:
            print(f"{each.media}: {start(each.media, each.key, output)}", flush=True)
        messages.done(receipt)


def arrivals(folder: Path, every: float) -> Iterator[Seen]:
    """Files in the order in which they came to rest, each once. Raises MediaError when there is no folder."""
    before: set[Seen] = set()
    told: set[Seen] = set()
    while True:
        now = look(folder)
        at_rest = sorted((now & before) - told, key=lambda seen: (seen.changed, seen.path))
        told = (told & now) | set(at_rest)
        yield from at_rest
        before = now
        time.sleep(every)


def look(folder: Path) -> set[Seen]:
    if not folder.is_dir():
        raise MediaError(f"There is no folder {folder}.")
    return {seen for path in look_below(folder).media if (seen := _seen(Path(path)))}


def _seen(path: Path) -> Seen | None:
    """None when the file has gone since it was listed."""
    try:
        status = path.stat()
    except OSError:
        return None
    return Seen(path, status.st_size, status.st_mtime_ns)


def start(media: str, key: str, output: Location) -> str:
    """Asks the server for the run of this media; an earlier run with the same `key` is that run.

    Raises UserError when the server does not answer or does not know the deployment.
    """
    import httpx
    from prefect.client.schemas.objects import FlowRun
    from prefect.deployments import run_deployment
    from prefect.exceptions import ObjectNotFound

    parameters = {"media": media, "output": str(absolute(output))}
    try:
        started = run_deployment(DEPLOYMENT, parameters=parameters, timeout=0, idempotency_key=key)
    except ObjectNotFound:
        raise UserError(f"The server has no deployment {DEPLOYMENT}; `make serve` registers it.") from None
    except (httpx.TransportError, RuntimeError) as error:
        raise UserError(f"The Prefect server does not answer: {error}.") from None
    return f"run {cast(FlowRun, started).name}"


if __name__ == "__main__":
    sys.exit(main())
