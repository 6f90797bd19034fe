"""A frame as the picture that people see: progressive, upright, with square pixels, in standard range."""

import math
import struct
from fractions import Fraction
from typing import Any, NamedTuple, cast

import av
import av.error
from av.sidedata.sidedata import SideDataContainer, Type
from PIL import Image

from containers.common.errors import MediaError
from tasks.media.convert import convert
from tasks.media.fields import Deinterlacer
from tasks.media.hdr import is_hdr, to_standard

LONGEST_SIDE = 1920  # pixels: larger frames are scaled down
UNTURNED = (1.0, 0.0, 0.0, 1.0)
WIDEST = 10  # times as wide as high or the other way round: other pixels are no pixels


# AVColorSpace that libswscale converts; others, as those of Dolby Vision, it refuses.
COLOURS = frozenset({0, 1, 2, 4, 5, 6, 7, 9})
BT2020_CONSTANT, BT2020, UNTOLD = 10, 9, 2


def _unknown_side_data(value: object) -> Type:
    """Kinds of side data that FFmpeg has and PyAV's list has not: Exif, the views of spatial video."""
    made = object.__new__(Type)
    made._name_, made._value_ = f"UNKNOWN_{value}", value
    return made


# Without it PyAV gives none of a frame's side data where it does not know one (av/sidedata/sidedata.py).
cast(Any, Type)._missing_ = staticmethod(_unknown_side_data)


class Shown(NamedTuple):
    """A frame between its neighbours (None at the ends), `time` seconds from the start of the media."""

    time: float
    frame: av.VideoFrame
    before: av.VideoFrame | None
    after: av.VideoFrame | None
    aspect: Fraction | None  # of one pixel
    deinterlacer: Deinterlacer

    @property
    def plain(self) -> bool:
        """Whether the frame is what people see, as it is."""
        square = (pixel_aspect(self.aspect) or 1) == 1
        unturned = display_matrix(self.frame) in (None, UNTURNED)
        return square and unturned and not self.frame.interlaced_frame and not is_hdr(self.frame)

    def picture(self) -> Image.Image:
        """In RGB, with square pixels, upright, at most 1920 pixels on the longer side.

        Raises MediaError where libswscale cannot convert it.
        """
        try:
            return self._picture()
        except av.error.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            raise MediaError(
                f"A picture ({self.frame.format.name}) cannot be shown: {error.strerror}."
            ) from None

    def _picture(self) -> Image.Image:
        frame = self.frame
        if frame.interlaced_frame:
            frame = self.deinterlacer.progressive(frame, self.before, self.after)
        stretched = frame.width * float(pixel_aspect(self.aspect) or 1)
        scale = min(1.0, LONGEST_SIDE / max(stretched, frame.height))
        width, height = max(round(stretched * scale), 1), max(round(frame.height * scale), 1)
        if is_hdr(frame):
            picture = to_standard(frame, width, height)
        elif (width, height) == (frame.width, frame.height):
            picture = convert(frame, "rgb24").to_image()
        else:
            how = "AREA" if scale < 1 else "BICUBIC"
            picture = convert(frame, "rgb24", width, height, how).to_image()
        return turn_upright(picture, display_matrix(self.frame))


def tell_colours(frame: av.VideoFrame) -> str | None:
    """Takes colours that cannot be converted for others; a sentence about it."""
    told = int(frame.colorspace)
    if told in COLOURS:
        return None
    frame.colorspace = BT2020 if told == BT2020_CONSTANT else UNTOLD
    return f"Colours of a kind that cannot be converted (matrix {told} of ITU-T H.273) are only about right."


def pixel_aspect(aspect: Fraction | None) -> Fraction | None:
    """None where it is not told, or cannot be true."""
    return aspect if aspect and Fraction(1, WIDEST) <= aspect <= WIDEST else None


def display_matrix(frame: av.VideoFrame) -> tuple[float, float, float, float] | None:
    """a, b, c, d of x' = ax + cy, y' = bx + dy (QuickTime File Format, "Matrices"); None without one."""
    # Not `frame.side_data`, which keeps what it gives: frame and data would hold each other in memory.
    for data in cast(Any, SideDataContainer)(frame):
        if data.type == Type.DISPLAYMATRIX:
            a, b, _, c, d, *_ = struct.unpack("=9i", bytes(data)[:36])
            return (a / 65536, b / 65536, c / 65536, d / 65536) if a * d != b * c else None
    return None


def turn_upright(picture: Image.Image, matrix: tuple[float, float, float, float] | None) -> Image.Image:
    """Mirrored, then turned, as the matrix says."""
    if matrix is None:
        return picture
    a, b, c, d = matrix
    if a * d - b * c < 0:
        picture, a, b = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT), -a, -b
    degrees = -math.degrees(math.atan2(b / math.hypot(b, d), a / math.hypot(a, c)))  # counterclockwise
    return picture.rotate(degrees, expand=True) if abs(degrees) > 0.5 else picture


def is_sideways(matrix: tuple[float, float, float, float] | None) -> bool:
    """Whether width and height change places."""
    return matrix is not None and abs(matrix[1]) > abs(matrix[0])
