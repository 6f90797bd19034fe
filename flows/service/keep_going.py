"""Child processes that are started again when they end: at once, and later where that does not help."""

import subprocess
import time
from collections.abc import Callable
from typing import Any

SOON = 60.0  # seconds after its start: whatever ends sooner may end so each time, as one whose port is taken
SECOND, LONGEST = 2.0, 60.0  # seconds before the second start in a row and at most: twice as long each time


class Kept:
    """A child of that kind; `process` is the present one."""

    def __init__(
        self,
        name: str,
        start: Callable[[], "subprocess.Popen[Any]"],
        may_start: Callable[[], bool] = lambda: True,
        say: Callable[[str], object] = print,
    ) -> None:
        """Starts it. It is started again only while `may_start()`; `say` hears of each end."""
        self._name, self._start, self._may_start, self._say = name, start, may_start, say
        self._quick = 0  # ends in a row that came soon
        self._due: float | None = None  # once it has ended
        self._began = time.monotonic()
        self.process = start()

    def look(self) -> None:
        """Starts it again where it has ended and the pause is over."""
        code = self.process.poll()
        if code is None:
            return
        now = time.monotonic()
        if self._due is None:
            pause = self._pause_after(now - self._began)
            self._due = now + pause
            after = f" in {pause:.0f} s, since it ends soon after each start" if pause else ""
            self._say(f"The {self._name} ended ({code}); starting it again{after}.")
        if now >= self._due and self._may_start():
            if self.process.stdin:
                self.process.stdin.close()
            self._due, self._began = None, time.monotonic()
            self.process = self._start()

    def _pause_after(self, lived: float) -> float:
        """None after the first end in a row, which may be a person's doing."""
        self._quick = self._quick + 1 if lived < SOON else 0
        return min(SECOND * 2 ** (self._quick - 2), LONGEST) if self._quick > 1 else 0.0
