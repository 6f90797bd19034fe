"""Pictures between their neighbours, each for as long as it is shown."""

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import av

from tasks.media.fields import Deinterlacer
from tasks.media.pictures import Shown

if TYPE_CHECKING:
    from tasks.media.reader import Reader


class Stays:
    """Packets without content: Theora's way, and AVI's, to say that the picture before stays.

    Decoders with threads give their pictures later than their packets come.
    """

    def __init__(self) -> None:
        self._last: av.VideoFrame | None = None
        self._waiting: deque[av.Packet] = deque()

    def said(self, packet: av.Packet) -> None:
        if packet.stream.codec_context.has_b_frames:
            return  # packets are in another order than pictures
        self._waiting.append(packet)

    def before(self, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        """The picture before `frame`, as often as it stays, with the times of those; None: after the end."""
        while self._last is not None and self._waiting:
            packet = self._waiting[0]
            if frame is not None and (frame.pts is None or frame.pts <= cast(int, packet.dts)):
                break
            self._waiting.popleft()
            self._last.pts = self._last.dts = packet.dts
            yield self._last
        self._last = frame or self._last


class Showing:
    """Gives each picture when its successor is there."""

    def __init__(self, reader: "Reader") -> None:
        self._reader = reader
        self._deinterlacer = Deinterlacer()
        self._before: av.VideoFrame | None = None
        self._held: tuple[float, av.VideoFrame] | None = None

    def push(self, time: float, frame: av.VideoFrame) -> Iterator[Shown]:
        yield from self._give(frame)
        self._held = (time, frame)

    def flush(self) -> Iterator[Shown]:
        yield from self._give(None)

    def _give(self, after: av.VideoFrame | None) -> Iterator[Shown]:
        if self._held is None:
            return
        time, frame = self._held
        yield Shown(time, frame, self._before, after, self._reader.aspect, self._deinterlacer)
        self._before, self._held = frame, None
