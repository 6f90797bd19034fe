"""A picture of a few kilobytes that is part of a page, where many are shown."""

import base64
import io

from PIL import Image

WIDTH = 128  # pixels at most, and as high
QUALITY = 70
MOST = 6_000  # bytes of the small picture: whoever shows many knows what they take


def small_picture(content: bytes) -> str | None:
    """A JPEG, which others may have written, as a data: URI of a smaller one; None where it is none."""
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as picture:
            picture.draft("RGB", (WIDTH, WIDTH))  # decoded at an eighth of its size and more
            small = picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    small.thumbnail((WIDTH, WIDTH))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=QUALITY)
    if out.tell() > MOST:
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
