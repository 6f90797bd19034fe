"""`python -m flows.watch FOLDER --output DIR`: new media start by themselves.

Every file that has come to rest in FOLDER becomes one run of the deployment `analyze`: the server knows each
by its path, size and time, so that a restart of this command, or two of them, start nothing twice.
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
from tasks.find_media import find_media

DEPLOYMENT = "analyze/analyze"


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
        for seen in arrivals(chosen.folder, chosen.every):
            print(f"{seen.path}: {start(seen, chosen.output)}", flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.watch", description="Analyse what arrives in FOLDER, through a Prefect server."
    )
    parser.add_argument("folder", type=Path, help="looked at with everything below it")
    parser.add_argument(
        "--output", type=Path, default=Path("out"), help="folder of asset folders (%(default)s)"
    )
    parser.add_argument(
        "--every",
        type=float,
        default=10,
        help="seconds between looks; a file that rested for so long is whole (%(default)s)",
    )
    return parser


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
    try:
        files = find_media([str(folder)])
    except MediaError:
        return set()  # nothing has arrived yet
    return {seen for path in files if (seen := _seen(path))}


def _seen(path: Path) -> Seen | None:
    """None when the file has gone since it was listed."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return Seen(path, status.st_size, status.st_mtime_ns)


def start(seen: Seen, output: Path) -> str:
    """Asks the server for the run of this file; an earlier run of the same file is that run.

    Raises UserError when the server does not answer or does not know the deployment.
    """
    import httpx
    from prefect.client.schemas.objects import FlowRun
    from prefect.deployments import run_deployment
    from prefect.exceptions import ObjectNotFound

    parameters = {"media": str(seen.path), "output": str(output.absolute())}
    try:
        started = run_deployment(DEPLOYMENT, parameters=parameters, timeout=0, idempotency_key=seen.key)
    except ObjectNotFound:
        raise UserError(f"The server has no deployment {DEPLOYMENT}; `make serve` registers it.") from None
    except (httpx.TransportError, RuntimeError) as error:
        raise UserError(f"The Prefect server does not answer: {error}.") from None
    return f"run {cast(FlowRun, started).name}"


if __name__ == "__main__":
    sys.exit(main())
