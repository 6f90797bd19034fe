"""A video's frame as the picture that people see."""

from fractions import Fraction

import av
from PIL import Image

LONGEST_SIDE = 1920  # pixels: larger frames are scaled down


def to_picture(frame: av.VideoFrame, aspect: Fraction | None) -> Image.Image:
    """In RGB, with square pixels, upright, at most 1920 pixels on the longer side."""
    picture = frame.to_image()
    if aspect and aspect != 1:
        picture = picture.resize((round(picture.width * aspect), picture.height))
    if frame.rotation:
        picture = picture.rotate(frame.rotation, expand=True)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return picture
