"""Pictures of unknown origin to Pillow images."""

import warnings
from pathlib import Path
from urllib.parse import unquote

from PIL import Image, ImageOps

from containers.common import storage
from containers.common.errors import MediaError

FORMATS = ("JPEG", "PNG", "WEBP")
Image.MAX_IMAGE_PIXELS = 100_000_000


def name_of(uri: str) -> str:
    return unquote(uri).rpartition("/")[2]


def open_picture(uri: str) -> Image.Image:
    """The picture in RGB, upright as its EXIF orientation says. Raises MediaError in one sentence."""
    name = name_of(uri)
    with storage.reading(uri) as path, warnings.catch_warnings():
        if path.stat().st_size == 0:
            raise MediaError(f"{name} is empty.")
        # Up to twice the limit Pillow only warns.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(path, formats=FORMATS) as picture:
                return _rgb(ImageOps.exif_transpose(picture))
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise MediaError(f"{name} has more than 100 megapixels.") from None
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            raise MediaError(
                f"{name} cannot be decoded as a JPEG, PNG or WebP picture ({_reason(error, path)})."
            ) from error


def _rgb(picture: Image.Image) -> Image.Image:
    if "transparency" in picture.info:
        picture = picture.convert(
            "RGBA"
        )  # Pillow warns when a palette with transparency loses it in one step
    return picture.convert("RGB")


def _reason(error: Exception, path: Path) -> str:
    return str(error).replace(f" '{path}'", "").rstrip(".") or type(error).__name__
