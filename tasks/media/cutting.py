"""A stretch of a media file as a file of its own. Runs in the process of `tasks.media.worker`."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from containers.common.errors import MediaError
from containers.common.media.container import open_media
from tasks.media.convert import convert
from tasks.media.pictures import Shown
from tasks.media.reader import Reader, SoundBlock
from tasks.media.tracks import Choice

CRF = "20"  # of x264: near what was there, https://trac.ffmpeg.org/wiki/Encode/H.264
TICK = Fraction(1, 90_000)  # second: whole numbers of it for every usual frame rate, and MPEG's own


def cut(
    path: Path,
    start: float,
    end: float,
    target: Path,
    audio_track: str | None = None,
    alive: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """Writes seconds `start` to `end` to `target` (MP4, or M4A for sound alone), each within one frame.

    Where a picture that needs no other stands at the start, and none is stored out of its order, pictures and
    sound are taken as they are; else they are encoded, as H.264 and AAC, pictures as people see them. Streams
    and times are those of an analysis. `alive` is called while packets are passed over. Returns whether it
    was `encoded` and how long it is. Raises MediaError for media without anything there.
    """
    try:
        with Reader(path, audio_track) as reader:
            can_copy = reader.indexed
        if can_copy:
            with open_media(path) as source:
                chosen = Choice(source, path.name, audio_track)
                if _can_copy(source, chosen, start):
                    return {"encoded": False, "seconds": _copy(source, chosen, start, end, target)}
        with Reader(path, audio_track) as reader:
            reader.go_near(start, alive)
            return {"encoded": True, "seconds": _encode(reader, start, end, target)}
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaError(f"{path.name} cannot be cut: {error}.") from error


def _can_copy(source: Any, chosen: Choice, start: float) -> bool:
    """Whether a picture that needs no other stands within half a frame of the start."""
    video: Any = chosen.video
    audio = chosen.audio
    if video is None or video.codec_context.has_b_frames:
        return False
    if video.codec_context.name not in ("h264", "hevc", "mpeg4", "av1"):
        return False
    if audio is not None and audio.codec_context.name not in ("aac", "mp3", "ac3", "opus"):
        return False
    half = 0.5 / float(video.average_rate or 25)
    first = float((video.start_time or 0) * video.time_base)
    source.seek(int((first + start + half) / video.time_base), stream=video)
    packet = next((each for each in source.demux(video) if each.pts is not None), None)
    at = None if packet is None else float(packet.pts * packet.time_base) - first
    return at is not None and packet is not None and packet.is_keyframe and abs(at - start) <= half


def _copy(source: Any, chosen: Choice, start: float, end: float, target: Path) -> float:
    video: Any = chosen.video
    streams: list[Any] = [video, *([chosen.audio] if chosen.audio else [])]
    origin = _origin(source)
    half = 0.5 / float(video.average_rate or 25)
    source.seek(int((origin + start + half) / video.time_base), stream=video)
    reached = start
    with av.open(str(target), "w", format="mp4") as sink:
        copies = {each.index: sink.add_stream_from_template(each) for each in streams}
        ended: set[int] = set()
        for packet in source.demux(streams):
            if packet.dts is None or packet.pts is None:
                continue
            at = float(packet.pts * packet.time_base) - origin
            if at >= end - (half if packet.stream is video else 0):
                ended.add(packet.stream.index)
                if len(ended) == len(streams):
                    break
                continue
            if at < start - half:
                continue
            shift = round((origin + start) / packet.time_base)
            packet.pts -= shift
            packet.dts -= shift
            if packet.stream is video:
                reached = max(reached, at + 2 * half)
            packet.stream = copies[packet.stream.index]
            sink.mux(packet)
    return reached - start


def _origin(source: Any) -> float:
    """The second of the container at which its first picture or sound stands: second 0 of an analysis."""
    return (source.start_time or 0) / av.time_base


class _Clip:
    """A file in the making: pictures and sound encoded, their times counted from `start`."""

    def __init__(self, sink: Any, start: float, end: float) -> None:
        self.reached = start
        self._sink, self._start, self._end = sink, start, end
        self._streams: list[Any] = []

    def add_picture(self, first: Shown, video: Any) -> Callable[[Shown], None]:
        """What takes a picture of the stream; the `first` says how large it is."""
        rate = Fraction(video.average_rate or 25).limit_denominator(1001)
        out = self._sink.add_stream("libx264", rate=rate, options={"crf": CRF, "preset": "veryfast"})
        size = (first.frame.width, first.frame.height) if first.plain else first.picture().size
        out.width, out.height = map(_even, size)
        out.pix_fmt = "yuv420p"
        out.codec_context.time_base = TICK
        self._streams.append(out)
        last = -1

        def take(shown: Shown) -> None:
            nonlocal last
            if shown.time < self._start - 0.5 / float(rate):
                return
            frame = shown.frame if shown.plain else VideoFrame.from_image(shown.picture())
            frame = convert(frame, "yuv420p", out.width, out.height)
            frame.pict_type = 0
            frame.time_base = TICK
            frame.pts = last = max(last + 1, round((shown.time - self._start) / TICK))
            self._sink.mux(out.encode(frame))
            self.reached = max(self.reached, min(self._end, shown.time + float(1 / rate)))

        return take

    def add_sound(self, audio: Any, measures: bool) -> Callable[[SoundBlock], None]:
        """The same for sound; `measures` where there are no pictures to say how long it is."""
        out = self._sink.add_stream("aac", rate=audio.codec_context.sample_rate)
        resampler = av.AudioResampler("fltp", rate=audio.codec_context.sample_rate)
        self._streams.append(out)

        def take(block: SoundBlock) -> None:
            for piece in _piece(block.frame, block.time, self._start, self._end):
                for each in resampler.resample(piece):
                    self._sink.mux(out.encode(each))
            if measures:
                ends = block.time + block.frame.samples / block.frame.sample_rate
                self.reached = max(self.reached, min(self._end, ends))

        self._rest = lambda: [self._sink.mux(out.encode(each)) for each in resampler.resample(None)]
        return take

    _rest: Callable[[], object] = staticmethod(lambda: None)

    def finish(self) -> float:
        """How long it is."""
        self._rest()
        for stream in self._streams:
            self._sink.mux(stream.encode(None))
        return self.reached - self._start


def _encode(reader: Reader, start: float, end: float, target: Path) -> float:
    first = _first_picture(reader)
    with av.open(str(target), "w", format="mp4" if first else "ipod") as sink:
        clip = _Clip(sink, start, end)
        picture = clip.add_picture(first, reader.video) if first else None
        sound = clip.add_sound(reader.audio, measures=first is None) if reader.audio else None
        for each in reader.read(pictures=first is not None, until=end):
            if each.time >= end:
                continue
            if isinstance(each, Shown):
                if picture:
                    picture(each)
            elif sound:
                sound(each)
        seconds = clip.finish()
    if not seconds:
        raise MediaError(f"There is nothing between second {start:g} and {end:g}.")
    return seconds


def _first_picture(reader: Reader) -> Shown | None:
    """Of the whole file: an MP4 has to know how large its pictures are before anything is written."""
    if reader.video is None:
        return None
    with Reader(reader.path, reader.audio_track) as other:
        return next((each for each in other.read(sound=False) if isinstance(each, Shown)), None)


def _even(size: int) -> int:
    """H.264 in 4:2:0 has even sides."""
    return max(2, size - size % 2)


def _piece(frame: AudioFrame, at: float, start: float, end: float) -> Iterator[AudioFrame]:
    """The part of a frame of sound between start and end, with its time from the start on."""
    first = max(0, round((start - at) * frame.sample_rate))
    last = min(frame.samples, round((end - at) * frame.sample_rate))
    if first >= last:
        return
    samples = frame.to_ndarray()
    if frame.format.is_planar:
        samples = samples[:, first:last]
    else:
        width = len(frame.layout.channels)
        samples = samples[:, first * width : last * width]
    piece = AudioFrame.from_ndarray(samples.copy(), frame.format.name, frame.layout.name)
    piece.sample_rate = frame.sample_rate
    piece.time_base = Fraction(1, frame.sample_rate)
    piece.pts = max(0, round((at - start) * frame.sample_rate))
    yield piece
