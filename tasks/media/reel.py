"""Stretches of several media files as one film: each made alike in a process of its own, then joined."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from PIL import Image, ImageOps

from containers.common.errors import MediaError
from tasks.media.cutting import CRF
from tasks.media.pictures import Shown
from tasks.media.reader import Reader

SOUND_RATE = 48_000
BLOCK = SOUND_RATE  # samples of silence at once
# No picture waits for a later one, so that parts follow each other without a gap.
ENCODER = {"crf": CRF, "preset": "veryfast", "bf": "0", "x264-params": "scenecut=0:open-gop=0"}


def make_part(
    path: Path,
    start: float,
    end: float,
    target: Path,
    width: int,
    height: int,
    rate: str,
    audio_track: str | None = None,
    alive: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """Seconds `start` to `end` of a file as pictures of one size and rate and sound of one kind, in Matroska.

    Streams and times are those of an analysis. Pictures are upright, whole, with black beside them; black and
    silence stand where the file has none.
    `rate`: frames per second, as a fraction. `alive` is called while packets are passed over. Returns how
    many `frames` it has. Raises MediaError.
    """
    frames = max(1, round((end - start) * Fraction(rate)))
    try:
        with Reader(path, audio_track) as reader, av.open(str(target), "w", format="matroska") as sink:
            part = _Part(sink, start, frames, width, height, Fraction(rate))
            reader.go_near(start, alive)
            for each in reader.read(until=end):
                if each.time < end:
                    part.picture(each) if isinstance(each, Shown) else part.sound(each.time, each.frame)
            part.finish()
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaError(f"{path.name} cannot be cut: {error}.") from error
    return {"frames": frames}


class _Part:
    """One part in the making."""

    def __init__(self, sink: Any, start: float, frames: int, width: int, height: int, rate: Fraction) -> None:
        self._sink, self._start, self._frames, self._rate = sink, start, frames, rate
        self._video = sink.add_stream("libx264", rate=rate, options=ENCODER)
        self._video.width, self._video.height, self._video.pix_fmt = width, height, "yuv420p"
        self._video.codec_context.time_base = 1 / rate
        self._sound = sink.add_stream("pcm_s16le", rate=SOUND_RATE)
        self._sound.layout = "stereo"
        self._resampler = av.AudioResampler("s16", "stereo", SOUND_RATE)
        self._samples = round(frames / rate * SOUND_RATE)
        self._written = self._shown = 0
        self._black = Image.new("RGB", (width, height))
        self._last: Image.Image | None = None

    def picture(self, shown: Shown) -> None:
        """It is shown until the next one."""
        self._show(min(self._frames, round((shown.time - self._start) * self._rate)))
        self._last = ImageOps.pad(shown.picture(), self._black.size)

    def _show(self, until: int) -> None:
        while self._shown < until:
            frame = VideoFrame.from_image(self._last or self._black)
            frame.pts, frame.time_base = self._shown, 1 / self._rate
            self._sink.mux(self._video.encode(frame))
            self._shown += 1

    def sound(self, at: float, frame: AudioFrame) -> None:
        frame.pts = None
        for each in self._resampler.resample(frame):
            samples = each.to_ndarray().reshape(-1, 2)
            first = round((at - self._start) * SOUND_RATE)
            at += len(samples) / SOUND_RATE
            self._silence(min(first - SOUND_RATE // 20, self._samples))  # only where there is a gap
            skipped = max(0, self._written - first) if self._written == 0 else 0
            self._hear(samples[skipped:][: self._samples - self._written])

    def _silence(self, until: int) -> None:
        while self._written < until:
            self._hear(np.zeros((min(BLOCK, until - self._written), 2), np.int16))

    def _hear(self, samples: np.ndarray) -> None:
        if len(samples):
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), "s16", "stereo")
            frame.sample_rate, frame.pts = SOUND_RATE, self._written
            frame.time_base = Fraction(1, SOUND_RATE)
            self._sink.mux(self._sound.encode(frame))
            self._written += len(samples)

    def finish(self) -> None:
        self._show(self._frames)
        self._silence(self._samples)
        for stream in (self._video, self._sound):
            self._sink.mux(stream.encode(None))


def join_parts(parts: Sequence[tuple[Path, str]], target: Path) -> None:
    """Our own parts, each with its title, as one MP4: pictures as they are, sound as AAC, a chapter each."""
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as sink:
        pictures = sound = None
        frames = samples = 0
        chapters = []
        for number, (path, title) in enumerate(parts):
            with av.open(str(path)) as source:
                video, audio = source.streams.video[0], source.streams.audio[0]
                if pictures is None or sound is None:
                    pictures = sink.add_stream_from_template(video)
                    sound = sink.add_stream("aac", rate=SOUND_RATE)
                    sound.layout = "stereo"
                rate = Fraction(video.average_rate or 25)
                first = frames
                packets: Any = source.demux(video, audio)
                for packet in packets:
                    if packet.dts is None:
                        continue
                    if packet.stream is audio:
                        for frame in packet.decode():
                            frame.pts, frame.time_base = samples, Fraction(1, SOUND_RATE)
                            samples += frame.samples
                            sink.mux(sound.encode(frame))
                        continue
                    packet.pts = packet.dts = round(frames / rate / packet.time_base)
                    packet.stream = pictures
                    frames += 1
                    sink.mux(packet)
            begins, ends = (round(each / rate * 1000) for each in (first, frames))
            chapters.append(
                {
                    "id": number,
                    "start": begins,
                    "end": ends,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": title},
                }
            )
        if sound is not None:
            sink.mux(sound.encode(None))
        sink.set_chapters(chapters)
