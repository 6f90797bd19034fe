"""A part of a recording, and times within it as people write them."""

import math
import re
from datetime import timedelta
from typing import NamedTuple

CLOCK = re.compile(r"(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d*)?|\.\d+)")  # 90, 1:30, 1:02:03.5


class Part(NamedTuple):
    """Seconds of the media; `end` is None where it goes on to the media's own."""

    start: float = 0.0
    end: float | None = None

    def length(self, whole: float | None) -> float | None:
        """Seconds, of media that last for `whole`; None when nobody knows."""
        ends = [end for end in (self.end, whole) if end is not None]
        return max(min(ends) - self.start, 0.0) if ends else None

    def holds(self, time: float) -> bool:
        return time >= self.start and (self.end is None or time < self.end)

    def __str__(self) -> str:
        """From 0:01:00 to 0:02:30."""
        return f"from {told(self.start)}" + (f" to {told(self.end)}" if self.end is not None else " on")


WHOLE = Part()


def seconds_of(given: object) -> object:
    """Seconds of what people write: 90, 90.5, 1:30 or 1:02:03.5; what is none of these is left as it is.

    Raises ValueError for text that is no time.
    """
    if not isinstance(given, str):
        return given
    if not given.strip():
        return None
    found = CLOCK.fullmatch(given.strip())
    if not found:
        raise ValueError(f"'{given}' is no time; write seconds (90.5) or a clock's (1:02:03)")
    hours, minutes, seconds = found.groups()
    if (minutes and float(seconds) >= 60) or (hours and int(minutes) >= 60):
        raise ValueError(f"'{given}' is no time; minutes and seconds end at 59")
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)


def told(seconds: float) -> str:
    """0:01:30, and 0:01:30.25 where it is not whole."""
    whole = math.floor(seconds)
    rest = f"{seconds - whole:.3f}"[1:].rstrip("0").rstrip(".")
    return f"{timedelta(seconds=whole)}{rest}"
