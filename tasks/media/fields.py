"""Interlaced frames as progressive ones."""

from fractions import Fraction

import av
from av.filter import Graph


class Deinterlacer:
    """FFmpeg's bwdif (BBC R&D's w3fdif and yadif in one) on single frames and their neighbours.

    Only frames that are looked at cost anything. Frames given lose their timestamps.
    """

    def __init__(self) -> None:
        self._kind: tuple[int, int, str] | None = None
        self._graph = Graph()
        self._given = 0

    def progressive(
        self, frame: av.VideoFrame, before: av.VideoFrame | None, after: av.VideoFrame | None
    ) -> av.VideoFrame:
        kind = _kind(frame)
        if kind != self._kind:
            self._kind, self._graph = kind, self._new_graph(frame)
        found = frame
        # The filter gives a frame when it has its successor: after the last of three, the one in the middle.
        for each in (before, frame, after):
            alike = each if each is not None and _kind(each) == kind else frame
            self._given += 1
            alike.pts, alike.time_base = self._given, Fraction(1, 1000)
            self._graph.vpush(alike)
            try:
                found = self._graph.vpull()
            except BlockingIOError:
                continue
        return found

    def _new_graph(self, frame: av.VideoFrame) -> Graph:
        graph = Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000)
        )
        filtering = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
        graph.link_nodes(source, filtering, graph.add("buffersink")).configure()
        return graph


def _kind(frame: av.VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
