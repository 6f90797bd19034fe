"""Opening media of unknown origin with PyAV.

A playlist, a script or a concatenation can name other files and hosts, or ask for hours of synthetic sound,
whatever its own file name says; FFmpeg would follow it. Only formats that hold their media themselves are
opened, by what is in the file and not by its name, and nothing but the file itself can be read.
"""

import os
from functools import cache
from pathlib import Path

import av
import av.error
import av.logging
from av.container import InputContainer

from containers.common.errors import MediaError

# Demuxers that read other files, devices or addresses, that synthesise, or that take any text for a picture.
_REFERRING = frozenset(
    {
        "alias_pix",
        "alsa",
        "concat",
        "dash",
        "fbdev",
        "hds",
        "hls",
        "image2",
        "imf",
        "kmsgrab",
        "lavfi",
        "oss",
        "rtp",
        "rtsp",
        "sap",
        "sbg",
        "sdp",
        "smoothstreaming",
        "svg_pipe",
        "tty",
        "video4linux2,v4l2",
        "vapoursynth",
        "webm_dash_manifest",
        "whip",
        "x11grab",
    }
)
# Sound without any header: nothing in the file says what it is, so here its name does.
_HEADERLESS = {".al": "alaw", ".g722": "g722", ".gsm": "gsm", ".sln": "sln", ".ul": "mulaw"}


def keep_av_quiet() -> None:
    """Takes FFmpeg's messages away from Python, to which PyAV gives them once anybody has set a level.

    torchvision does when it is imported (torchvision/io/video.py). From then on a decoder's thread that warns
    of damage waits for the interpreter, which waits for that thread where a decoder is freed: for ever.
    """
    av.logging.set_level(None)


@cache
def _self_contained() -> str:
    return ",".join(sorted(av.formats_available - _REFERRING))


def open_media(path: Path) -> InputContainer:
    """The opened container; close it or use it in a `with` statement.

    Raises MediaError with one sentence when the file is empty, no media, or a playlist.
    """
    keep_av_quiet()
    if path.stat().st_size == 0:
        raise MediaError(f"{path.name} is empty.")
    try:
        try:
            return _open(path)
        except av.error.InvalidDataError:
            if kind := _HEADERLESS.get(path.suffix.lower()):
                return _open(path, kind)
            raise
    except av.error.ArgumentError:
        raise MediaError(
            f"{path.name} is a playlist, a script or a device description, not media; "
            "give the media file itself."
        ) from None
    except (
        av.error.InvalidDataError,
        av.error.PermissionError,
        av.error.EOFError,
        UnicodeDecodeError,
    ) as error:
        reason = getattr(error, "strerror", None) or "unreadable metadata"
        raise MediaError(f"{path.name} is not media that can be decoded ({reason}).") from None
    except av.error.FFmpegError as error:
        raise MediaError(f"{path.name} cannot be opened: {error.strerror}.") from error


def _open(path: Path, kind: str | None = None) -> InputContainer:
    """By descriptor: FFmpeg sees neither the name, which may be any bytes, nor any other file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    options = {
        "fd": str(descriptor),
        "format_whitelist": _self_contained(),
        "protocol_whitelist": "fd",
    }
    try:
        return av.open("fd:", format=kind, options=options, metadata_errors="replace")
    finally:
        os.close(descriptor)  # the container reads through a copy of its own
