"""What a media file is: its container's word, and the first picture's."""

from pathlib import Path

from pydantic import BaseModel, Field

from containers.common.errors import MediaError
from tasks.media.hdr import is_hdr
from tasks.media.pictures import Shown, display_matrix, is_sideways
from tasks.media.reader import Reader
from tasks.media.recorded import Recorded, from_exif, from_tags
from tasks.media.stills import Stills, open_stills
from tasks.media.tracks import Track


class Description(BaseModel):
    """A media file as its container describes it."""

    format: str
    duration: float | None = Field(description="seconds, when the container says so")
    audio_codec: str | None = None
    video_codec: str | None = None
    width: int = Field(default=0, description="pixels, as people see it: upright, with square pixels")
    height: int = 0
    frame_rate: float | None = Field(default=None, description="frames per second, on average")
    interlaced: bool = False
    high_dynamic_range: bool = False
    tracks: list[Track] = Field(default=[], description="the streams, and which are taken")
    pixels: int = Field(default=0, description="of one decoded picture")
    recorded: Recorded | None = Field(default=None, description="when, as far as anything says so")


def describe(path: Path, audio_track: str | None = None) -> Description:
    """Raises MediaError with one sentence when there is nothing to analyse in it."""
    stills = open_stills(path)
    if stills is not None:
        with stills:
            return _describe_stills(stills)
    with Reader(path, audio_track) as reader:
        audio, video = reader.audio, reader.video
        described = Description(
            format=reader.format,
            duration=reader.duration,
            audio_codec=audio.codec_context.name if audio else None,
            tracks=reader.tracks,
            recorded=from_tags(reader.metadata),
        )
        if video is not None:
            described.video_codec = video.codec_context.name
            described.frame_rate = float(video.average_rate) if video.average_rate else None
            described.width, described.height = video.codec_context.width, video.codec_context.height
            described.pixels = described.width * described.height
            _look(reader, described)
        return described


def _describe_stills(stills: Stills) -> Description:
    picture = stills.first
    track = Track(kind="video", number=1, codec=stills.format, taken=True, default=True)
    track.width, track.height = picture.size
    return Description(
        format=stills.format,
        duration=None,
        video_codec=stills.format,
        width=picture.width,
        height=picture.height,
        tracks=[track],
        pixels=picture.width * picture.height,
        recorded=from_exif(stills.exif),
    )


def _look(reader: Reader, described: Description) -> None:
    """Only a decoded picture knows how it is turned; where none can be had, the container's word stays."""
    try:
        shown = next((each for each in reader.read(sound=False) if isinstance(each, Shown)), None)
    except MediaError:
        return  # decoding will say what is wrong
    if shown is None:
        return
    frame = shown.frame
    width, height = round(frame.width * float(shown.aspect or 1)), frame.height
    if is_sideways(display_matrix(frame)):
        width, height = height, width
    described.width, described.height = width, height
    described.pixels = max(described.pixels, frame.width * frame.height)
    described.interlaced = bool(frame.interlaced_frame)
    described.high_dynamic_range = is_hdr(frame)
