"""Pictures of a few kilobytes, of files that others may have written."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tasks.media.demo import PICTURES
from tasks.outputs.small_picture import MOST, WIDTH, small_picture


def decoded(uri: str) -> bytes:
    head, _, content = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return base64.b64decode(content)


@pytest.mark.parametrize("name", ["sample1", "sample4"])
def test_a_photograph_becomes_a_small_one_of_its_shape(name: str) -> None:
    path = PICTURES / f"{name}.jpg"
    uri = small_picture(path.read_bytes())
    assert uri
    content = decoded(uri)
    with Image.open(io.BytesIO(content)) as small, Image.open(path) as large:
        assert max(small.size) == WIDTH
        assert small.width / small.height == pytest.approx(large.width / large.height, rel=0.03)
    assert len(content) <= MOST


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0broken", b"%!PS-Adobe-3.0"])
def test_what_is_no_jpeg_is_not_shown(content: bytes) -> None:
    assert small_picture(content) is None


def test_one_that_cannot_be_small_is_not_shown() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (WIDTH, WIDTH, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "JPEG", quality=95)
    assert small_picture(out.getvalue()) is None
