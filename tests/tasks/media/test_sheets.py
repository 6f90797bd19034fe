"""Contact sheets of faces."""

import io

import numpy as np
import pytest
from PIL import Image

from tasks.media.sheets import plain_png


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (2048, 130)])
def test_a_sheet_is_read_as_it_was_written(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    with Image.open(io.BytesIO(plain_png(Image.fromarray(pixels)))) as read:
        assert (read.format, read.mode, read.size) == ("PNG", "RGB", size)
        assert np.array_equal(np.asarray(read), pixels)
        read.load()
