"""Reads files of unknown origin one after the other, each in a forked child with the worker's limits.

One line of JSON a file: [path, folder] in, [what it said, the signal that ended it, bytes of memory] out.
"""

import json
import os
import resource
import signal
import sys
import traceback
from pathlib import Path

from containers.common.errors import UserError
from tasks.media.budget import budget_of
from tasks.media.decoding import decode_media
from tasks.media.probing import describe

WALL = 240  # seconds that one file may take on a busy machine


def main() -> None:
    for line in sys.stdin:
        path, out = map(Path, json.loads(line))
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            os.write(writing, _read(path, out).encode(errors="replace")[:60_000])
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read().decode(errors="replace")
        _, status, used = os.wait4(child, 0)
        ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if ended == signal.SIGALRM:
            said = "fault: it took too long"
        print(json.dumps([said, ended, used.ru_maxrss * 1024]), flush=True)


def _read(path: Path, out: Path) -> str:
    size = path.stat().st_size
    signal.alarm(WALL)
    budget = budget_of(size, None, 8192 * 8192)
    resource.setrlimit(resource.RLIMIT_AS, (budget.memory, budget.memory))
    try:
        described = describe(path)
        budget = budget_of(size, described.duration, described.pixels)
        resource.setrlimit(resource.RLIMIT_CPU, (round(budget.cpu), round(budget.cpu)))
        return f"read {decode_media(path, out, 1.0).duration} s"
    except UserError as error:
        return f"refused: {error}" if "\n" not in str(error) else f"fault: {error}"
    except MemoryError:
        return "refused: memory"
    except BaseException:  # noqa: BLE001
        return f"fault: {traceback.format_exc()}"


if __name__ == "__main__":
    main()
