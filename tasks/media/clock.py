"""When each decoded frame is shown or heard: what its timestamp says, where that can be true.

Clocks restart where recordings were joined, single timestamps are wrong by one bit, and some streams have
none. The frames' own lengths say what to expect; what is far from it is decided by the frames that follow:
when they go on as if this one were in place it was wrong, otherwise the clock has jumped.

FFmpeg's own command mends clocks from one packet to the next (`-dts_delta_threshold`); here the streams
share what was found, so that sound and picture jump together.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

Item = TypeVar("Item")
NEAR = 0.5  # seconds from what is expected that need no second look
LOOK = 24  # frames that are looked at before a jump is believed: one TS packet of sound holds up to ten
LONGEST_GAP = 3600.0  # seconds; a pause that is longer is a jump of the clock
NOTED_GAP = 10.0  # seconds; shorter pauses are nothing to tell
JOINED = 1.0  # seconds by which two streams may differ where their clock jumps


@dataclass
class _Waiting(Generic[Item]):
    said: float | None  # seconds
    length: float
    item: Item


@dataclass
class Lane(Generic[Item]):
    """One stream."""

    name: str
    offset: float
    look: int = LOOK
    expected: float | None = None  # where the next frame should begin
    last: float = -1.0
    spacing: float = 0.0  # between the last two
    total: float = 0.0  # sum of lengths
    paused: float = 0.0  # sum of believed gaps
    waiting: deque[_Waiting[Item]] = field(default_factory=deque)


class Clock:
    """Of one pass over one file. `notes` are sentences about what could not be believed."""

    def __init__(self, origin: float | None, start: float = 0.0) -> None:
        """`origin`: the container's start, None where its first frame is; `start`: about where reading
        begins; seconds."""
        self._origin_known = origin is not None
        self._start = start
        self._offsets = [-(origin or 0.0)]
        self._lanes: list[Lane] = []
        self._notes: list[str] = []
        self._wrong = 0
        self.stamped = True  # whether every frame had a time

    def lane(self, name: str, look: int = LOOK) -> Lane:
        lane: Lane = Lane(name, self._offsets[0], look)
        self._lanes.append(lane)
        return lane

    @property
    def regular(self) -> bool:
        """Whether the container's own times can be used to seek."""
        return len(self._offsets) == 1 and not self._wrong and self.stamped

    @property
    def notes(self) -> list[str]:
        count = f"{self._wrong} frames" if self._wrong > 1 else "1 frame"
        wrong = f"The time of {count} was wrong and is taken from the frames around."
        return [*self._notes[:10], *([wrong] if self._wrong else [])]

    def push(
        self, lane: Lane[Item], said: float | None, length: float, item: Item
    ) -> Iterator[tuple[float, Item]]:
        """The frames whose time is certain now that this one is known, in order: seconds from the start."""
        lane.waiting.append(_Waiting(said, length, item))
        return self._settled(lane, ended=False)

    def flush(self, lane: Lane[Item]) -> Iterator[tuple[float, Item]]:
        """The rest, when the stream has ended."""
        return self._settled(lane, ended=True)

    def _settled(self, lane: Lane[Item], ended: bool) -> Iterator[tuple[float, Item]]:
        while lane.waiting:
            time = self._place(lane, ended)
            if time is None:
                return
            head = lane.waiting.popleft()
            if lane.expected is not None:
                lane.spacing = min(time - lane.last, LONGEST_GAP)
            lane.last = time
            lane.expected = time + head.length
            lane.total += head.length
            yield time, head.item

    def _place(self, lane: Lane, ended: bool) -> float | None:
        """Seconds of the frame that waits longest; None when what follows has to be seen first."""
        head = lane.waiting[0]
        first = lane.expected is None
        expected = self._reach() if lane.expected is None else lane.expected
        if head.said is None:
            self.stamped = False
            return expected
        if not self._origin_known:
            self._origin_known, self._offsets[0] = True, -head.said
            for each in self._lanes:
                each.offset = -head.said
        time = head.said + lane.offset
        if first and -NEAR <= time <= NEAR:
            return time
        if not first and lane.last < time and abs(time - expected) <= max(NEAR, 2 * lane.spacing):
            return time
        if len(lane.waiting) <= lane.look and not ended:
            return None
        back = self._back(lane, time, expected)
        if back is not None:
            return self._between(lane, *back, time, expected)
        earliest = self._start - LONGEST_GAP if self._start else -NEAR
        if first and earliest <= time <= expected + LONGEST_GAP:
            return time
        gap = time - expected
        if not first and lane.last < time and (gap <= NEAR or self._believed(lane, gap)):
            return time
        return self._jump(lane, head.said, expected)

    def _reach(self) -> float:
        return max((lane.expected for lane in self._lanes if lane.expected is not None), default=self._start)

    def _back(self, lane: Lane, time: float, expected: float) -> tuple[int, float] | None:
        """Place and time of the first waiting frame that goes on as if the one in front were elsewhere."""
        room = expected
        for place, waiting in enumerate(lane.waiting):
            if place and waiting.said is not None:
                later = waiting.said + lane.offset
                goes_on = lane.last < later <= room + max(NEAR, 2 * lane.spacing)
                if goes_on and not lane.last < time < later:
                    return place, later
            room += waiting.length
        return None

    def _between(self, lane: Lane, place: int, later: float, time: float, expected: float) -> float:
        start = lane.last if lane.expected is not None else later - place * lane.waiting[0].length
        placed = min(expected, start + (later - start) / (place + 1)) if lane.expected is not None else start
        self._wrong += abs(time - placed) > NEAR
        return max(placed, 0.0)

    def _believed(self, lane: Lane, gap: float) -> bool:
        """A pause, unless it is too long for what there is."""
        if gap > LONGEST_GAP or lane.paused + gap > LONGEST_GAP + lane.total:
            return False
        lane.paused += gap
        if gap > NOTED_GAP:
            self._note(f"The {lane.name} pauses for {_span(gap)} at {_span(lane.expected or 0)}.")
        return True

    def _jump(self, lane: Lane, said: float, expected: float) -> float:
        """The clock is another one from here on: one that another stream has met, or a new one."""
        for known in self._offsets:
            if abs(said + known - expected) <= JOINED:
                break
        else:
            known = expected - said
            self._offsets.append(known)
            jump = said + lane.offset - expected
            what = f"jumps by {_span(jump)}" if jump > 0 else "starts again"
            self._note(f"The clock {what} at {_span(expected)}; what follows is taken to follow at once.")
        lane.offset = known
        return max(said + known, lane.last + 1e-3)

    def _note(self, sentence: str) -> None:
        if sentence not in self._notes:
            self._notes.append(sentence)


def _span(seconds: float) -> str:
    """1.5 s, 0:02:00."""
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))
