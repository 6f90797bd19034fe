"""How late live results are."""

import time
from collections import deque

MEMORY = 6000  # arrivals remembered: with blocks of 10 ms, a minute


class Delays:
    """Seconds from when a sound went in to when it came out, or was told about."""

    def __init__(self, block_seconds: float) -> None:
        self._block_seconds = block_seconds
        self._arrivals: deque[float] = deque(maxlen=MEMORY)
        self._count = 0
        self._seen: dict[str, deque[float]] = {}

    def arrived(self) -> None:
        """One block more, now."""
        self._arrivals.append(time.monotonic())
        self._count += 1

    def note(self, what: str, seconds: float) -> None:
        """What was to say about the sound that ended at `seconds` is there now."""
        arrivals = list(self._arrivals) if len(self._arrivals) < 10 else self._arrivals
        place = min(round(seconds / self._block_seconds), self._count) - 1 - (self._count - len(arrivals))
        if 0 <= place < len(arrivals):
            late = time.monotonic() - arrivals[place]
            self._seen.setdefault(what, deque(maxlen=MEMORY)).append(late)

    def figures(self) -> dict[str, dict[str, float]]:
        """Median and 95th percentile, in seconds, of what was noted last."""
        return {
            what: {"median": round(_quantile(late, 0.5), 3), "p95": round(_quantile(late, 0.95), 3)}
            for what, late in self._seen.items()
        }


def _quantile(values: deque[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(part * len(ordered)), len(ordered) - 1)]
