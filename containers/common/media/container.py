"""Opening media of unknown origin with PyAV.

A playlist or concatenation script can name other files and hosts, whatever its own file name says;
FFmpeg would follow it. Only formats that hold their media themselves are opened, from local files.
"""

from functools import cache
from pathlib import Path

import av
import av.error
from av.container import InputContainer

from containers.common.errors import MediaError

# Demuxers that read other files, devices or addresses, or that take any text for a picture (tty).
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
        "sdp",
        "smoothstreaming",
        "tty",
        "video4linux2,v4l2",
        "vapoursynth",
        "webm_dash_manifest",
        "whip",
        "x11grab",
    }
)


@cache
def _self_contained() -> str:
    return ",".join(sorted(av.formats_available - _REFERRING))


def open_media(path: Path) -> InputContainer:
    """The opened container; close it or use it in a `with` statement.

    Raises MediaError with one sentence when the file is empty, no media, or a playlist.
    """
    if path.stat().st_size == 0:
        raise MediaError(f"{path.name} is empty.")
    options = {"format_whitelist": _self_contained(), "protocol_whitelist": "file"}
    try:
        return av.open(str(path), options=options)
    except av.error.ArgumentError:
        raise MediaError(
            f"{path.name} is a playlist or a device description, not media; give the media file itself."
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
