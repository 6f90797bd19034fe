"""Room on a disk, for those who write one thing after another: all of them would fail by one that is full."""

import shutil
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tasks.media.budget import KEPT_FREE

PATIENCE = 120.0  # seconds, as for S3
LOOK = 1.0  # seconds


class Room:
    """On the disk that holds `folder`; once found full it is waited for, for `patience` seconds in all."""

    def __init__(self, folder: Path, patience: float = PATIENCE) -> None:
        self._folder = folder
        self._patience = patience
        self._full_since: float | None = None

    def look(self) -> bool:
        """Whether nothing can be analysed there now."""
        folder = self._folder
        while not folder.exists():
            folder = folder.parent
        if shutil.disk_usage(folder).free >= KEPT_FREE:
            self._full_since = None
        elif self._full_since is None:
            self._full_since = time.monotonic()
        return self._full_since is not None

    def wait(self, say: Callable[[str], object]) -> bool:
        """Until it is full no more, where the last look found it so. False: patience has ended before."""
        if self._full_since is None:
            return True
        if self.look():
            say(f"Waiting for room on the disk that holds {self._folder}: it is full.")
        while self.look():
            if time.monotonic() > (self._full_since or 0) + self._patience:
                return False
            time.sleep(LOOK)
        return True


@cache
def room_on(folder: Path) -> Room:
    """What this process knows of it."""
    return Room(folder)
