"""How much a file may ask for, from what it says of itself and how large it is.

Nothing that people own comes near these bounds; a file of a few kilobytes that asks for gigabytes does.
"""

import shutil
import time
from pathlib import Path

from pydantic import BaseModel

from containers.common.errors import MediaError, StorageError
from tasks.media.wav import FULL_RATE, SAMPLE_BYTES, SPEECH_RATE

HOUR = 3600.0
LEAST_RATE = 100  # bytes a second: Codec 2's lowest is 88, silence in FLAC at 48 kHz 140
LONGEST_TOLD = 24 * HOUR  # seconds that a header is believed without as many bytes
MEMORY = 2 * 2**30  # bytes: Python, FFmpeg's libraries, their threads and small pictures
MEMORY_PER_PIXEL = 64  # bytes: some 17 reference pictures and those of the threads, in 10 bits
CPU = 120.0  # seconds
CPU_PER_SECOND = 100.0  # of media: films of 8K in AV1 on one slow core
SLOWEST = 20_000  # bytes a second: the least that such films have
STUCK = 180.0  # seconds without a sign of life
KEPT_FREE = 256 * 2**20  # bytes of the disk
SOUND_BYTES = (FULL_RATE + SPEECH_RATE) * SAMPLE_BYTES  # a second
EVERY = 2.0  # seconds between two looks at the disk


class Budget(BaseModel):
    """Of one process that reads media."""

    memory: int = MEMORY
    cpu: float = CPU


def budget_of(size: int, duration: float | None, pixels: int = 0) -> Budget:
    """`size` bytes, `duration` seconds as the container tells, `pixels` of one picture."""
    seconds = max(min(duration or 0.0, longest_believed(size, duration)), size / SLOWEST)
    return Budget(memory=MEMORY + MEMORY_PER_PIXEL * pixels, cpu=CPU + CPU_PER_SECOND * seconds)


def longest_believed(size: int, duration: float | None) -> float:
    """Seconds."""
    return max(HOUR + size / LEAST_RATE, min((duration or 0.0) + 60, LONGEST_TOLD))


def check_room(folder: Path, size: int, duration: float | None) -> None:
    """Raises StorageError when the working copies of what the container tells cannot fit."""
    while not folder.exists():
        folder = folder.parent
    seconds = min(duration or 0.0, longest_believed(size, duration))
    needed, free = round(seconds * SOUND_BYTES), shutil.disk_usage(folder).free - KEPT_FREE
    if needed > free:
        raise StorageError(
            f"The disk that holds {folder} has {_amount(max(free, 0))} to spare, "
            f"and {_length(seconds)} of media need {_amount(needed)} while they are analysed."
        )


def _amount(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def _length(seconds: float) -> str:
    return f"{seconds / HOUR:.1f} hours" if seconds >= HOUR else f"{seconds:.0f} seconds"


class Meter:
    """Of one pass: that it stays below `longest` seconds and leaves room on the disk of `folder`."""

    def __init__(self, name: str, folder: Path, longest: float) -> None:
        self._name = name
        self._folder = folder
        self._longest = longest
        self._looked = time.monotonic()

    def check(self, seconds: float) -> None:
        """Raises MediaError or StorageError."""
        if seconds > self._longest:
            raise MediaError(
                f"{self._name} goes on after {self._longest / HOUR:.1f} hours, which is more than a file of "
                "its size and header can hold."
            )
        if time.monotonic() - self._looked < EVERY:
            return
        self._looked = time.monotonic()
        if shutil.disk_usage(self._folder).free < KEPT_FREE:
            raise StorageError(f"The disk that holds {self._folder} is full.")
