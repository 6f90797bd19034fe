"""Which packets need not be decoded where only a later part of the media is wanted.

Seeking trusts an index, or a search by timestamps, that a joined or damaged file has wrong. Reading the
packets without decoding them costs little more than the disk does, and shows whether their times can be
believed up to there.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from tasks.media.clock import LONGEST_GAP, NEAR

if TYPE_CHECKING:
    from tasks.media.reader import Reader

LEAD = 1.0  # seconds decoded before the part: sound of some codecs needs what came before
FAR = 60.0  # seconds by which one stream may be ahead of another


class Passed(NamedTuple):
    """Numbers of packets by stream index, and about when the first that is decoded is shown, seconds."""

    packets: dict[int, int]
    time: float


def pass_over(reader: "Reader", time: float, alive: Callable[[], object] = lambda: None) -> Passed | None:
    """What of a freshly opened file lies before `time` seconds and is needed by nothing after it.

    None where times cannot be believed up to there, or there is nothing to pass over. Raises MediaError as
    reading does.
    """
    streams = [stream for stream in (reader.audio, reader.video) if stream is not None]
    if time <= LEAD or reader.origin is None:
        return None
    reached: dict[int, float] = {}
    count = dict.fromkeys((stream.index for stream in streams), 0)
    start: dict[int, tuple[int, float]] = {}  # of what is decoded
    for packet in reader.packets(streams):
        alive()
        index, said = packet.stream.index, packet.dts if packet.dts is not None else packet.pts
        if said is None or not packet.time_base:
            if packet.size:
                return None
            continue
        at = float(said * packet.time_base) - reader.origin
        last = reached.get(index, 0.0)
        if not last - (NEAR if index not in reached else 0.0) <= at <= last + LONGEST_GAP:
            return None
        reached[index] = at
        shown = at if packet.pts is None else float(packet.pts * packet.time_base) - reader.origin
        if shown <= time - LEAD and (packet.stream is reader.audio or packet.is_keyframe):
            start[index] = (count[index], shown)
        count[index] += 1
        if max(reached.values()) > time + FAR or (
            len(reached) == len(streams) and min(reached.values()) > time
        ):
            break
    if not any(packets for packets, _ in start.values()):
        return None
    first = min(start[index][1] if index in start else 0.0 for index in count)
    return Passed({index: packets for index, (packets, _) in start.items()}, first)
