"""Makes odd media files of every container and codec at hand: two seconds, 20 pictures, a 440 Hz tone.

The pictures' quarters are red and green above, blue and white below, so that it can be seen which way is up.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.packet import Packet
from PIL import Image

SECONDS, FPS, RATE = 2.0, 10, 48_000
WIDTH, HEIGHT = 64, 48
QUARTERS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]

# Container (by suffix) to video codecs, and to audio codecs.
VIDEO = {
    "mp4": ["libx264", "libx265", "mpeg4", "mjpeg"],
    "mov": ["libx264", "prores", "mjpeg", "mpeg4"],
    "mkv": ["libx264", "libvpx", "libvpx-vp9", "ffv1", "mpeg4", "mpeg2video"],
    "webm": ["libvpx", "libvpx-vp9"],
    "avi": ["mpeg4", "mjpeg", "libx264", "ffv1", "rawvideo", "msmpeg4"],
    "ts": ["libx264", "mpeg2video", "libx265"],
    "mts": ["libx264"],
    "mpg": ["mpeg2video"],
    "vob": ["mpeg2video"],
    "flv": ["libx264", "flv"],
    "wmv": ["wmv2", "msmpeg4"],
    "nut": ["libx264", "ffv1"],
    "3gp": ["libx264"],
    "h264": ["libx264"],
    "hevc": ["libx265"],
    "m4v": ["libx264"],
    "m2v": ["mpeg2video"],
}
AUDIO = {
    "wav": [
        "pcm_u8",
        "pcm_s16le",
        "pcm_s24le",
        "pcm_s32le",
        "pcm_f32le",
        "pcm_f64le",
        "pcm_alaw",
        "pcm_mulaw",
    ],
    "w64": ["pcm_s16le"],
    "aiff": ["pcm_s16be", "pcm_s24be"],
    "au": ["pcm_s16be", "pcm_mulaw"],
    "caf": ["pcm_s16le", "alac"],
    "flac": ["flac"],
    "mp3": ["libmp3lame"],
    "mp2": ["mp2"],
    "m4a": ["aac", "alac"],
    "aac": ["aac"],
    "ogg": ["libopus", "flac"],
    "opus": ["libopus"],
    "mka": ["aac", "pcm_s16le", "flac", "libopus", "ac3"],
    "webm": ["libopus"],
    "ac3": ["ac3"],
    "eac3": ["eac3"],
    "wma": ["wmav2"],
    "tta": ["tta"],
    "wv": ["wavpack"],
    "ts": ["mp2", "aac", "ac3"],
    "mov": ["pcm_s16le", "aac"],
}
NAMES = {"h264": "h264", "hevc": "hevc", "m2v": "mpeg2video", "vob": "vob", "mts": "mpegts", "wmv": "asf"}
FORMATS = {"libx264": "yuv420p", "prores": "yuv422p10le", "mjpeg": "yuvj420p", "huffyuv": "yuv422p"}
SPEED = {
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
}


TURNS = {  # EXIF orientation: what a camera did to the upright picture before it wrote it
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
WITH_EXIF = ("jpeg", "png", "webp", "tiff", "avif", "heif")


def quarters(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    small = Image.new("RGB", (2, 2))
    small.putdata(QUARTERS)
    return small.resize((width, height), Image.Resampling.NEAREST)


def tone(
    channels: int = 1, rate: int = RATE, seconds: float = SECONDS, gains: Iterable[float] = ()
) -> np.ndarray:
    """(channels, samples) in [-1, 1]."""
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(SECONDS * rate)) / rate)
    return np.stack([gain * wave for gain in gains or [1.0] * channels]).astype(np.float32)


class Made:
    """One file; streams are added in order, then `write` puts their packets in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        suffix = path.suffix[1:]
        self.container = av.open(str(path), "w", format=NAMES.get(suffix))
        self.packets: list[Packet] = []

    def picture(self, codec: str, size: tuple[int, int] = (WIDTH, HEIGHT), **given: Any) -> Any:
        """A video stream; given: aspect, rotation, mirrored, matrix, default, frames, black, start,
        changes_at, brighter."""
        options = SPEED.get(codec, {})
        if matrix := given.get("matrix"):  # of colours, as x264 calls it; that of the pictures stays
            options = options | {"x264-params": f"colormatrix={matrix}"}
        stream: Any = self.container.add_stream(codec, rate=FPS, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = FORMATS.get(codec, "yuv420p")
        stream.codec_context.gop_size = 5
        stream.codec_context.thread_count = 1
        if aspect := given.get("aspect"):
            stream.codec_context.sample_aspect_ratio = Fraction(aspect)
        if "rotation" in given or "mirrored" in given:
            stream.set_display_rotation(given.get("rotation", 0))
        if given.get("default"):
            stream.disposition = type(stream.disposition).default
        shown = Image.new("RGB", size) if given.get("black") else quarters(*size)
        frame_of = av.VideoFrame.from_image(shown).reformat(format=stream.pix_fmt)
        white = av.VideoFrame.from_image(Image.new("RGB", size, "white")).reformat(format=stream.pix_fmt)
        black = av.VideoFrame.from_image(Image.new("RGB", size)).reformat(format=stream.pix_fmt)
        for number in range(given.get("frames", round(SECONDS * FPS))):
            if "brighter" in given:  # by so much each second
                grey = 16 + given["brighter"] * (number // FPS)
                shade = Image.new("RGB", size, (grey, grey, grey))
                frame_of = av.VideoFrame.from_image(shade).reformat(format=stream.pix_fmt)
            if "changes_at" in given:
                frame_of = white if number >= given["changes_at"] else black
            frame_of.pts, frame_of.time_base = number + given.get("start", 0) * FPS, Fraction(1, FPS)
            self.packets += stream.encode(frame_of)
        self.packets += stream.encode(None)
        return stream

    def sound(self, codec: str, samples: np.ndarray, rate: int = RATE, **given: Any) -> Any:
        """An audio stream of (channels, samples); given: layout, language, default, start."""
        layout = given.get("layout") or {1: "mono", 2: "stereo", 4: "quad", 6: "5.1"}[len(samples)]
        stream: Any = self.container.add_stream(codec, rate=rate, layout=layout)
        if language := given.get("language"):
            stream.metadata["language"] = language
        if "default" in given:
            flags = type(stream.disposition)
            stream.disposition = flags.default if given["default"] else flags(0)
        if codec == "wmav2":
            stream.codec_context.bit_rate = 64_000
        wanted = stream.codec_context.format.name
        resampler = av.AudioResampler(
            wanted, layout, rate, frame_size=stream.codec_context.frame_size or 1024
        )
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", layout)
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = round(given.get("start", 0) * rate)
        for block in [*resampler.resample(frame), *resampler.resample(None)]:
            self.packets += stream.encode(block)
        self.packets += stream.encode(None)
        return stream

    def write(self, change=lambda packets: packets) -> Path:
        ordered = sorted(self.packets, key=lambda packet: (packet.dts or 0) * packet.time_base)
        for packet in change(ordered):
            self.container.mux(packet)
        self.container.close()
        return self.path


def video(path: Path, codec: str, **given: Any) -> Path:
    made = Made(path)
    made.picture(codec, **given)
    return made.write()


def audio(path: Path, codec: str, samples: np.ndarray | None = None, rate: int = RATE, **given: Any) -> Path:
    made = Made(path)
    made.sound(codec, tone(rate=rate) if samples is None else samples, rate, **given)
    return made.write()


def every_video() -> Iterator[tuple[str, str]]:
    return ((suffix, codec) for suffix, codecs in VIDEO.items() for codec in codecs)


def every_audio() -> Iterator[tuple[str, str]]:
    return ((suffix, codec) for suffix, codecs in AUDIO.items() for codec in codecs)


def photo(path: Path, orientation: int = 1) -> Path:
    """The quarters as a camera writes them that is held otherwise; upright by its EXIF orientation."""
    kind = path.suffix[1:]
    picture = quarters()
    if orientation in TURNS:
        picture = picture.transpose(TURNS[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    if kind == "heif":
        from pillow_heif import register_heif_opener

        register_heif_opener()
    given = {"exif": exif} if orientation > 1 and kind in WITH_EXIF else {}
    picture.save(path, kind.upper(), quality=95, **given)
    return path


def animation(path: Path) -> Path:
    """Ten pictures in two seconds."""
    frames = [quarters() for _ in range(10)]
    for number, frame in enumerate(frames):
        frame.putpixel((number, 20), (9, 9, 9))
    kind = path.suffix[1:].upper()
    frames[0].save(path, kind, save_all=True, append_images=frames[1:], duration=200, loop=0)
    return path
