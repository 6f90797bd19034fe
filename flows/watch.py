"""`python -m flows.watch FOLDER|sqs:QUEUE --output DIR`: new media start by themselves.

Every file that has come to rest in FOLDER, every media object that QUEUE tells of, becomes one run of the
deployment `arrivals`: the server knows each (by path, size and time; by bucket, key and version), so that a
restart of this command, two of them, or a message that comes twice start nothing twice. The deployment
`watch` does the same as a run of its own, which `make serve` keeps going.
"""

import argparse
import hashlib
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from containers.common.errors import MediaError, UserError
from flows.analyze.__main__ import quiet_prefect
from flows.arrivals import Arrival, Ledger
from flows.settings.load import apply
from tasks.asset.bucket import location
from tasks.media.find import Found, look_below

if TYPE_CHECKING:
    from flows.bucket_events import Queue

QUEUE = "sqs:"


class FileState(NamedTuple):
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
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        apply()
        from flows.watching import keep_watching

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


def source_of(name: str, complain: Callable[[str], object]) -> "Folder | Queue":
    """What `sqs:QUEUE` or a folder's name stands for. Raises UserError when there is no such queue."""
    if not name.startswith(QUEUE):
        return Folder(Path(name).expanduser(), complain)
    from flows.aws import client
    from flows.bucket_events import Queue

    return Queue(client("sqs"), name.removeprefix(QUEUE), complain)


class Folder:
    """Files that have come to rest, each once; `complain` hears once of each that is left out."""

    def __init__(self, folder: Path, complain: Callable[[str], object] = lambda sentence: None) -> None:
        self._folder = folder
        self._complain = complain
        self._left_out: dict[str, str] = {}
        self._before: set[FileState] = set()
        self._told: set[FileState] = set()

    def look(self) -> list[Arrival]:
        """In the order in which they came to rest since the last look. Raises MediaError without a folder."""
        found = _look(self._folder)
        if new := dict(found.left_out.items() - self._left_out.items()):
            self._complain(Found(left_out=new).sentence)
        self._left_out = found.left_out
        now = _seen_of(found)
        at_rest = sorted((now & self._before) - self._told, key=lambda seen: (seen.changed, seen.path))
        self._told = (self._told & now) | set(at_rest)
        self._before = now
        return [Arrival(str(seen.path), seen.key) for seen in at_rest]

    def settled(self, begun: Callable[[Arrival], bool]) -> None:
        """Nothing is owed to a folder."""

    def pause(self, every: float) -> float:
        return every


def look(folder: Path) -> set[FileState]:
    return _seen_of(_look(folder))


def _look(folder: Path) -> Found:
    if not folder.is_dir():
        raise MediaError(f"There is no folder {folder}.")
    return look_below(folder)


def _seen_of(found: Found) -> set[FileState]:
    return {seen for path in found.media if (seen := _seen(Path(path)))}


def _seen(path: Path) -> FileState | None:
    """None when the file has gone since it was listed."""
    try:
        status = path.stat()
    except OSError:
        return None
    return FileState(path, status.st_size, status.st_mtime_ns)


if __name__ == "__main__":
    sys.exit(main())
