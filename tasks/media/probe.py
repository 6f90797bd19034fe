"""What a media file is, before anything is decoded."""

import hashlib
import os
from pathlib import Path

from pydantic import BaseModel, Field

from containers.common.errors import MediaError
from containers.common.media.container import open_media

MAX_PIXELS = 8192 * 8192


class MediaInfo(BaseModel):
    """A media file as its container describes it."""

    name: str
    sha256: str
    size: int = Field(description="bytes")
    format: str
    duration: float | None = Field(description="seconds, when the container says so")
    audio_codec: str | None = None
    video_codec: str | None = None
    width: int = 0
    height: int = 0
    frame_rate: float | None = Field(default=None, description="frames per second, on average")

    @property
    def asset_id(self) -> str:
        """The asset folder's name: the same content has the same id whatever its file name."""
        return self.sha256[:16]


def probe(path: Path) -> MediaInfo:
    """Reads the headers and the content's hash.

    Raises MediaError with one sentence when there is no such file or nothing to analyse in it.
    """
    readable = os.fsencode(path).decode(errors="replace")
    if readable != str(path):
        raise MediaError(f"The path {readable} holds bytes that are no UTF-8 text; rename it first.")
    if not path.exists():
        raise MediaError(f"There is no file {path}.")
    if not path.is_file():
        raise MediaError(f"{path} is not a file.")
    try:
        with open_media(path) as container:
            audio = next(iter(container.streams.audio), None)
            video = next((stream for stream in container.streams.video if is_moving(stream)), None)
            if audio is None and video is None:
                raise MediaError(f"{path.name} has neither audio nor video.")
            if video is not None and video.codec_context.width * video.codec_context.height > MAX_PIXELS:
                raise MediaError(f"{path.name} has pictures of more than {MAX_PIXELS} pixels.")
            described = {
                "format": container.format.name,
                "duration": container.duration / 1e6 if container.duration else None,
                "audio_codec": audio.codec_context.name if audio else None,
                "video_codec": video.codec_context.name if video else None,
                "width": video.codec_context.width if video else 0,
                "height": video.codec_context.height if video else 0,
                "frame_rate": float(video.average_rate) if video and video.average_rate else None,
            }
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except PermissionError:
        raise MediaError(f"{path} may not be read by this user.") from None
    return MediaInfo(name=path.name, size=path.stat().st_size, sha256=digest, **described)


def is_moving(stream) -> bool:
    """False for a cover picture, which containers carry as a video stream."""
    return not stream.disposition & type(stream.disposition).attached_pic
