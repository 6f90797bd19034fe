"""Whole pictures as vectors: perceptual hashes."""

import io

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from containers.common.errors import MediaError, UserError
from containers.facenet.app import handler

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("error")]


@pytest.fixture(scope="module", autouse=True)
def store(make_store):
    return make_store({"dinov2-base": {}})


@pytest.fixture(scope="module")
def photographs(samples):
    return [Image.open(path).convert("RGB") for path in samples]


def test_the_cosine_is_one_minus_twice_the_share_of_bits_that_differ(look, photographs):
    one, other = look(*photographs[:2])
    distance = imagehash.phash(photographs[0], 16) - imagehash.phash(photographs[1], 16)
    assert one @ other == pytest.approx(1 - 2 * distance / 256, abs=1e-6)
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-6)


def test_another_size_codec_and_light_leave_a_picture_what_it_is(look, photographs):
    original = photographs[0]
    content = io.BytesIO()
    original.save(content, "JPEG", quality=25)
    altered = [
        original.resize((480, 320)),
        Image.open(content),
        ImageEnhance.Brightness(original).enhance(1.3),
        ImageOps.grayscale(original),
    ]
    first, *others = look(original, *altered)
    assert min(np.array(others) @ first) > 0.9


def test_other_pictures_are_far(look, photographs):
    vectors = look(*photographs)
    between = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    assert between.max() < 0.4


def test_what_it_does_not_see_through(look, photographs):
    original, mirrored, cut = look(
        photographs[0], ImageOps.mirror(photographs[0]), photographs[0].crop((400, 200, 1500, 1000))
    )
    assert original @ mirrored < 0.5
    assert original @ cut < 0.5


@pytest.mark.parametrize("size", [(1, 1), (3000, 2)])
def test_a_picture_of_nothing_has_a_vector_too(look, size):
    black, white = look(Image.new("RGB", size), Image.new("RGB", size, "white"))
    assert np.isfinite(black @ white)


def test_thumbnails_are_small_and_keep_their_shape(samples, tmp_path):
    request = {
        "action": "look",
        "images": [samples[0].as_uri()],
        "thumbnails_uri": (tmp_path / "small").as_uri(),
    }
    (seen,) = handler(request, None)["result"]["images"]
    assert seen["thumbnail"] == (tmp_path / "small" / "sample1.jpg").as_uri()
    with Image.open(tmp_path / "small" / "sample1.jpg") as small:
        assert small.size == (320, 213)


def test_batches_change_nothing(look, photographs):
    assert np.array_equal(look(*photographs, batch_size=1), look(*photographs, batch_size=4))


def test_no_picture(tmp_path):
    (tmp_path / "notes.jpg").write_text("no picture")
    with pytest.raises(MediaError, match=r"^notes.jpg cannot be decoded"):
        handler({"action": "look", "images": [(tmp_path / "notes.jpg").as_uri()]}, None)


def test_another_model(look, photographs):
    with pytest.raises(UserError, match="choose dinov2-base, siglip-base or phash-256"):
        look(photographs[0], model="facenet-vggface2")
