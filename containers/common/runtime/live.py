"""Sound that comes as it is made: raw mono float32 samples on standard input, answers on standard output."""

import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np

from containers.common.errors import UserError
from containers.common.media.audio import Waveform


def read_samples(stream: BinaryIO, size: int) -> Iterator[Waveform]:
    """Blocks of `size` samples, float32 in this machine's byte order; the last one may be shorter."""
    while data := stream.read(4 * size):
        yield np.frombuffer(data[: len(data) // 4 * 4], np.float32)


def run_live(serve: Callable[[], None]) -> int:
    """Exit code of a process that serves one stream: 0, or 1 with a UserError's sentence on stderr."""
    try:
        serve()
    except UserError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    except BrokenPipeError:  # nobody listens any more
        sys.stderr.close()
        return 1
    return 0
