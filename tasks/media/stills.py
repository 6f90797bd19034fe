"""Pictures of any format, and animations of pictures, by Pillow."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from containers.common.errors import MediaError
from tasks.media.kinds import looks_like_media

MAX_PIXELS = 8192 * 8192
# What Pillow opens and FFmpeg is not asked about; no format that runs a program (EPS) or names other files.
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP")
ANIMATED = ("AVIF", "GIF", "PNG", "WEBP")
# What Pillow's readers raise of damaged files, beside MemoryError.
DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    RuntimeError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    struct.error,
    zlib.error,
)
LEAST_SHOWN = 0.02  # seconds: what claims less is shown for UNTOLD, as browsers do
UNTOLD = 0.1
LONGEST_SHOWN = 3600.0


class Still(NamedTuple):
    """One picture and when it is shown, seconds; `length` is 0 for a photograph."""

    time: float
    length: float
    picture: Image.Image


class Stills:
    """An opened picture file; iterate over it, or take `first`. Use it in a `with` statement."""

    def __init__(self, path: Path, opened: Image.Image) -> None:
        self.name = path.name
        self._path = path
        self._opened = opened
        self.format = (opened.format or "").lower()
        frames = getattr(opened, "n_frames", 1)
        self.animated = opened.format in ANIMATED and frames > 1
        if opened.width * opened.height > MAX_PIXELS:
            raise MediaError(f"{path.name} has pictures of more than {MAX_PIXELS} pixels.")

    def __enter__(self) -> "Stills":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @property
    def exif(self) -> Image.Exif:
        """Empty where there is none that can be read."""
        try:
            return self._opened.getexif()
        except (OSError, SyntaxError, ValueError):
            return Image.Exif()

    @property
    def first(self) -> Image.Image:
        return next(iter(self)).picture

    def __iter__(self) -> Iterator[Still]:
        """RGB, upright. Raises MediaError when a picture cannot be decoded."""
        time = 0.0
        try:
            for number in range(getattr(self._opened, "n_frames", 1) if self.animated else 1):
                if self.animated:
                    self._opened.seek(number)
                self._opened.load()
                length = self._length() if self.animated else 0.0
                yield Still(round(time, 3), length, _as_seen(self._opened))
                time += length
        except Image.DecompressionBombError:
            raise MediaError(f"{self.name} has pictures of more than {MAX_PIXELS} pixels.") from None
        except DAMAGED as error:
            raise _undecodable(self._path, error) from None

    def _length(self) -> float:
        told = self._opened.info.get("duration") or 0
        seconds = float(told) / 1000 if isinstance(told, int | float) else 0.0
        return min(seconds, LONGEST_SHOWN) if seconds >= LEAST_SHOWN else UNTOLD


def open_stills(path: Path) -> Stills | None:
    """None when the file is no picture. Raises MediaError when it is one that nobody should open."""
    if looks_like_media(path):
        return None  # before Pillow loads what it needs for every format that it knows
    try:
        formats = FORMATS
        if _is_heif(path):
            from pillow_heif import register_heif_opener  # a library that most media do not need

            register_heif_opener(thumbnails=False)
            formats = (*FORMATS, "HEIF")
        return Stills(path, Image.open(path, formats=formats))
    except (UnidentifiedImageError, EOFError):
        return None
    except Image.DecompressionBombError:
        raise MediaError(f"{path.name} has pictures of more than {MAX_PIXELS} pixels.") from None
    except DAMAGED as error:
        raise _undecodable(path, error) from None


def _undecodable(path: Path, error: BaseException) -> MediaError:
    why = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return MediaError(f"{path.name} cannot be decoded as a picture ({why}).")


def _is_heif(path: Path) -> bool:
    """ISO 23008-12: brands of pictures, not of films."""
    with path.open("rb") as file:
        start = file.read(12)
    return start[4:8] == b"ftyp" and start[8:12] in (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")


def _as_seen(opened: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(_eight_bit(opened))
    if "transparency" in upright.info or upright.mode in ("LA", "PA", "La"):
        upright = upright.convert("RGBA")
    return upright.convert("RGB")


def _eight_bit(opened: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits, which Pillow would cut off at 255, in 8."""
    if not (opened.mode.startswith(("I", "F"))):
        return opened
    levels = np.nan_to_num(np.asarray(opened).astype(np.float64))
    most = float(levels.max(initial=0))
    if opened.mode == "F":
        top = 1.0 if most <= 1 else 255.0 if most <= 255 else most
    else:
        top = 255.0 if opened.mode == "I" and most <= 255 else max(most, 65535.0)
    scaled = np.clip(levels / top * 255, 0, 255).round().astype(np.uint8)
    picture = Image.fromarray(scaled)
    if exif := opened.info.get("exif"):
        picture.info["exif"] = exif
    return picture
