"""An image's process for one stream: what it hears goes in by a pipe, what it says comes out by another.

Lambda answers whole requests; a stream needs a process that stays. It is the image's own code, and runs
inside the image as well: `python -m containers.<image>.listen`.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np

from containers.common.errors import UserError
from containers.common.image import image

PATIENCE = 20.0  # seconds that a process may take to end once its sound has ended
# Two processes of one stream must not take each other's cores by waiting busily.
SHARED_CORES = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


class LiveProcess:
    """Its `output` can be read from any thread; `send` and `end` belong to one."""

    def __init__(self, process: subprocess.Popen[bytes], complaints: IO[bytes]) -> None:
        assert process.stdin and process.stdout
        self._process, self._complaints = process, complaints
        self._input, self.output = process.stdin, process.stdout

    def send(self, samples: np.ndarray) -> None:
        """Raises BrokenPipeError when the process has ended; `check` then says why."""
        self._input.write(np.ascontiguousarray(samples, np.float32).tobytes())
        self._input.flush()

    def tell(self, line: str) -> None:
        """A line before samples. Raises BrokenPipeError as `send` does."""
        self._input.write(f"{line}\n".encode())

    def end(self) -> None:
        """No more sound will come."""
        with suppress(BrokenPipeError):  # it has ended already
            self._input.close()

    def check(self) -> None:
        """Waits for the end. Raises UserError with what the process complained about, if it failed."""
        if self._process.wait():
            self._complaints.seek(0)
            said = self._complaints.read().decode(errors="replace").strip()
            if "\n" in said or not said:  # no sentence for a person: a defect
                raise RuntimeError(f"{self._process.args} ended with {self._process.returncode}: {said}")
            raise UserError(said)

    def close(self) -> None:
        self.end()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.output.close()


@contextmanager
def live_process(name: str, *arguments: str) -> Iterator[LiveProcess]:
    """The process of the image `name`; ended when the block is left."""
    with tempfile.TemporaryFile() as complaints:
        process = LiveProcess(
            subprocess.Popen(
                [sys.executable, "-m", f"containers.{name}.listen", *arguments],
                cwd=Path(__file__).parents[2],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=SHARED_CORES | os.environ | image(name).environment,
                start_new_session=True,  # Ctrl-C ends the sound; the process then says the rest
            ),
            complaints,
        )
        try:
            yield process
        finally:
            process.close()
