"""One way to read media: the chosen streams' frames, with times that can be believed.

The first pass, the pass over mouths, a search's picture and a notebook's all come through here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, Self

import av
import av.error
from av.format import Flags

from containers.common.errors import MediaError
from containers.common.media.container import open_media
from tasks.media.clock import Clock, Lane
from tasks.media.pictures import Shown, pixel_aspect, tell_colours
from tasks.media.scout import FAR, LEAD, pass_over
from tasks.media.showing import Showing, Stays
from tasks.media.tracks import Choice

Decodable = av.AudioFrame | av.VideoFrame
MAX_PIXELS = 8192 * 8192
PICTURES_AHEAD = 6  # frames held before a jump of the pictures' clock is believed
READ_TWICE = 8  # times its size: what packets hold together, at most
SLACK = 64 * 2**20  # bytes
HOPELESS = 1000  # packets in a row that cannot be decoded
LONGEST_PICTURE = 3600.0  # seconds


class SoundBlock(NamedTuple):
    """A block of sound, `time` seconds from the start of the media."""

    time: float
    frame: av.AudioFrame


@dataclass
class Reader:
    """An open media file. Use it in a `with` statement."""

    path: Path
    audio_track: str | None = None
    damaged: int = 0
    end: float = 0.0  # of what was read so far, seconds, the last frame's length included
    _notes: list[str] = field(default_factory=list)
    _passed: dict[int, int] = field(default_factory=dict)  # packets left to pass over, by stream
    _alive: Callable[[], object] = lambda: None
    _told_aspect: tuple[Fraction | None, Fraction | None] | None = None
    _aspect: Fraction | None = None

    def __post_init__(self) -> None:
        """Raises MediaError as `open_media` does, and when there is nothing to decode."""
        self._container = open_media(self.path)
        choice = Choice(self._container, self.path.name, self.audio_track)
        self.tracks, self.audio, self.video = choice.tracks, choice.audio, choice.video
        self.duration = self._container.duration / 1e6 if self._container.duration else None
        self.format = self._container.format.name
        start = self._container.start_time
        self.origin = None if start is None else start / 1e6  # seconds of the container's clock
        self._clock = Clock(self.origin)
        if self.video is not None:
            self.video.thread_type = "AUTO"
            context = self.video.codec_context
            if context.width * context.height > MAX_PIXELS:
                raise MediaError(f"{self.path.name} has pictures of more than {MAX_PIXELS} pixels.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    @property
    def metadata(self) -> list[dict[str, str]]:
        """What the container and its streams say of themselves."""
        return [dict(self._container.metadata), *(dict(each.metadata) for each in self._container.streams)]

    @property
    def notes(self) -> list[str]:
        """What could not be believed of what was read so far."""
        return [*self._notes, *self._clock.notes]

    @property
    def seekable(self) -> bool:
        """Whether the times read so far are the container's own, so that another pass may seek."""
        return self._clock.regular

    @property
    def aspect(self) -> Fraction | None:
        """Of one pixel. Of what stream and codec say, the one that can be true."""
        assert self.video is not None
        told = (self.video.sample_aspect_ratio, self.video.codec_context.sample_aspect_ratio)
        if told == self._told_aspect:
            return self._aspect
        believed = next((aspect for aspect in told if pixel_aspect(aspect)), None)
        if wrong := next((aspect for aspect in told if aspect and not pixel_aspect(aspect)), None):
            instead = f"{believed.numerator}:{believed.denominator}" if believed else "square"
            self._note(
                f"Pixels of {wrong.numerator}:{wrong.denominator} cannot be; they are shown {instead}."
            )
        self._told_aspect, self._aspect = told, believed
        return believed

    def compare_length(self, seconds: float) -> None:
        """Notes where the container promises more than was found in it."""
        told = min(self.duration or 0.0, (self.duration or 0.0) - (self.origin or 0.0))
        if told - seconds > max(1.0, 0.02 * seconds):
            self._note(
                f"The container tells of {told:.1f} s; what can be decoded of it lasts {seconds:.1f} s."
            )

    def skim(self, wanted_rate: float) -> None:
        """Lets the decoder leave out frames that no other needs, where `wanted_rate` a second are looked at.

        Half the work, and no sample is missed. Not where frames have to be counted.
        """
        if self.video is None or not self.video.average_rate or not self.stamped:
            return
        if self.video.average_rate > 4 * wanted_rate:
            self.video.codec_context.skip_frame = "NONREF"

    @property
    def stamped(self) -> bool:
        """Whether the container has times at all: elementary streams have none."""
        return self._container.start_time is not None

    def seek(self, time: float) -> None:
        """What is read next begins at a key frame at or before `time`; only where the clock is regular."""
        self._container.seek(int((time + (self.origin or 0.0)) * 1e6))
        self._clock = Clock(self.origin, time)

    @property
    def indexed(self) -> bool:
        """Whether a seek finds what it looks for, as far as the container's times are right.

        Containers whose clock may start again are searched by timestamps, and there may be two of each.
        """
        return self.stamped and not self._container.format.flags & Flags.ts_discont.value

    def go_near(self, time: float, alive: Callable[[], object] = lambda: None) -> None:
        """What is read next begins at or before `time`, and not long before; call it before reading."""
        if time > LEAD and self.indexed:
            self.seek(time - LEAD)
        elif time > LEAD:
            self.go_to(time, alive)

    def go_to(self, time: float, alive: Callable[[], object] = lambda: None) -> None:
        """Frames well before `time` are not decoded, where times can be believed; call it before reading.

        `alive` is called while packets are passed over.
        """
        with Reader(self.path, self.audio_track) as scout:
            passed = pass_over(scout, time, alive)
        if passed:
            self._passed, self._clock = dict(passed.packets), Clock(self.origin, passed.time)
            self._alive = alive

    def read(
        self, sound: bool = True, pictures: bool = True, until: float | None = None
    ) -> Iterator[SoundBlock | Shown]:
        """Frames of the chosen streams in decoding order; each stream's times rise.

        Damaged packets are passed over and counted. Reading ends when every stream has come to `until`
        seconds, a little after it.
        """
        chosen = [self.audio if sound else None, self.video if pictures else None]
        streams = [stream for stream in chosen if stream is not None]
        lanes: dict[int, Lane] = {}
        if self.video in streams:
            assert self.video is not None
            lanes[self.video.index] = self._clock.lane("picture", PICTURES_AHEAD)
        if self.audio in streams:
            assert self.audio is not None
            lanes[self.audio.index] = self._clock.lane("sound")
        showing = Showing(self)
        beyond: set[int] = set()
        for index, frame in self._frames(streams):
            lane, length = lanes[index], self._length(frame)
            for time, settled in self._clock.push(lane, _said(frame), length, (frame, length)):
                yield from self._give(time, settled[0], settled[1], showing)
                if until is not None and time >= until:
                    beyond.add(index)
            if until is not None and (len(beyond) == len(lanes) or (beyond and lane.last > until + FAR)):
                break
        for lane in lanes.values():
            for time, settled in self._clock.flush(lane):
                yield from self._give(time, settled[0], settled[1], showing)
        yield from showing.flush()

    def _give(
        self, time: float, frame: Decodable, length: float, showing: Showing
    ) -> Iterator[SoundBlock | Shown]:
        if isinstance(frame, av.AudioFrame):
            self.end = max(self.end, time + length)
            yield SoundBlock(time, frame)
        else:
            self.end = max(self.end, time + self._shown_for(length, time))
            if note := tell_colours(frame):
                self._note(note)
            yield from showing.push(time, frame)

    def _frames(
        self, streams: Sequence[av.AudioStream | av.VideoStream]
    ) -> Iterator[tuple[int, av.AudioFrame | av.VideoFrame]]:
        hopeless = 0
        stays = Stays()
        for packet in self.packets(streams):
            if self._passed.get(packet.stream.index, 0) > 0:
                self._passed[packet.stream.index] -= 1
                self._alive()
                continue
            if not packet.size and packet.dts is not None:
                if packet.stream is self.video:
                    stays.said(packet)
                continue  # to the decoder it would be the end
            try:
                decoded = packet.decode()
            except av.error.EOFError:
                return
            except av.error.FFmpegError as error:
                if isinstance(error, MemoryError):
                    raise
                self.damaged += 1
                hopeless += 1
                if hopeless > HOPELESS and not self.end:
                    raise MediaError(f"{self.path.name} cannot be decoded: {error.strerror}.") from None
                continue
            for frame in decoded:
                hopeless = 0
                if isinstance(frame, av.VideoFrame) and frame.width * frame.height > MAX_PIXELS:
                    raise MediaError(f"{self.path.name} has pictures of more than {MAX_PIXELS} pixels.")
                if isinstance(frame, av.VideoFrame):
                    for repeated in stays.before(frame):
                        yield packet.stream.index, repeated
                if isinstance(frame, av.AudioFrame | av.VideoFrame):
                    yield packet.stream.index, frame
        if self.video is not None:
            for repeated in stays.before(None):
                yield self.video.index, repeated

    def packets(self, streams: Sequence[av.AudioStream | av.VideoStream]) -> Iterator[av.Packet]:
        """Raises MediaError when the file reads itself over and over, or cannot be read any further."""
        packets = self._container.demux(list(streams))
        left = READ_TWICE * self.path.stat().st_size + SLACK
        while left > 0:
            try:
                packet = next(packets, None)
            except av.error.EOFError:
                return
            except (av.error.InvalidDataError, av.error.PatchWelcomeError):
                self.damaged += 1
                left -= SLACK / HOPELESS
                continue
            except av.error.FFmpegError as error:
                if isinstance(error, MemoryError):
                    raise
                raise MediaError(f"{self.path.name} cannot be read: {error.strerror}.") from None
            except IndexError:  # PyAV's, where a damaged header names a stream that does not exist
                raise MediaError(f"{self.path.name} cannot be read: its streams change.") from None
            if packet is None:
                return
            left -= packet.size
            yield packet
        raise MediaError(f"{self.path.name} holds the same packets over and over.")

    def _length(self, frame: Decodable) -> float:
        """Seconds that the frame itself claims, or its stream's rate."""
        if isinstance(frame, av.AudioFrame):
            return frame.samples / frame.sample_rate
        assert self.video is not None
        base = frame.time_base
        if frame.duration and base:
            told = frame.duration * base.numerator / base.denominator
            if 0 < told <= LONGEST_PICTURE:
                return told
        rate = self.video.average_rate or self.video.guessed_rate or 25
        return float(1 / rate) if 0.001 <= rate <= 1000 else 0.04

    def _shown_for(self, told: float, time: float) -> float:
        """How long a picture is shown that claims `told` seconds: no longer than the container lasts."""
        left = (self.duration or 0) - time
        if 0 < left < told:
            return left
        return told if told <= 1 or told <= left else 0.04

    def _note(self, sentence: str) -> None:
        if sentence not in self._notes:
            self._notes.append(sentence)


def _said(frame: av.AudioFrame | av.VideoFrame) -> float | None:
    if frame.time is not None:
        return frame.time
    return float(frame.dts * frame.time_base) if frame.dts is not None and frame.time_base else None
