"""Faces found and confirmed by MTCNN, and their aligned crops."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from containers.common import storage
from containers.common.errors import MediaError, ModelCorrupt, ModelMissing, UserError
from containers.common.models import store as models
from containers.facenet.app import handler

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("error")]


@pytest.fixture(scope="module", autouse=True)
def store(make_store, mtcnn_files) -> Path:
    return make_store({"mtcnn": mtcnn_files, "facenet-vggface2": {}})


@pytest.fixture
def save(tmp_path):
    """Writes a Pillow picture or bytes and returns the URI."""

    def write(content: Image.Image | bytes, name: str, **options: object) -> str:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content.save(path, **options)
        return path.as_uri()

    return write


def test_every_face_that_looks_at_the_camera_is_found(embed, samples):
    result = embed(*({"image": path.as_uri()} for path in samples), min_confidence=0.95)
    assert [len(picture.faces) for picture in result.images] == [3, 1, 3, 4, 5, 4]
    for face in (face for picture in result.images for face in picture.faces):
        landmarks = np.array(face.landmarks) - [face.box.x, face.box.y]
        assert ((landmarks > 0) & (landmarks < [face.box.width, face.box.height])).all()


def test_without_the_vggface2_network_there_is_no_embedding(embed, samples):
    result = embed({"image": samples[0].as_uri()})
    assert result.embedding_model is None
    assert all(face.embedding is None for face in result.images[0].faces)


def test_given_boxes_are_confirmed_in_their_order(embed, samples):
    boxes = [
        {"x": 1472, "y": 197, "width": 205, "height": 239},
        {"x": 50, "y": 50, "width": 200, "height": 200},  # a wall
        {"x": 412, "y": 354, "width": 179, "height": 239},
    ]
    (picture,) = embed({"image": samples[0].as_uri(), "boxes": boxes}).images
    right, wall, left = picture.faces
    assert right.box.x == pytest.approx(1472, abs=30) and right.score > 0.95
    assert left.box.x == pytest.approx(412, abs=30) and left.score > 0.95
    assert len(right.landmarks) == len(left.landmarks) == 5
    assert (wall.score, wall.landmarks, wall.box.model_dump()) == (0, [], boxes[1])


def test_a_box_that_leaves_the_picture_is_cut_at_its_edge(embed, samples):
    box = {"x": -30, "y": 1200, "width": 100, "height": 300}
    (face,) = embed({"image": samples[0].as_uri(), "boxes": [box]}).images[0].faces
    assert face.box.model_dump() == {"x": 0, "y": 1200, "width": 70, "height": 80}


def test_a_box_outside_the_picture_is_refused(embed, samples):
    box = {"x": 3000, "y": 0, "width": 100, "height": 100}
    with pytest.raises(UserError, match=r"^A box of sample1.jpg has no pixel inside the picture.$"):
        embed({"image": samples[0].as_uri(), "boxes": [box]})


def test_crops_are_160_pixels_square_and_numbered(embed, group, save, tmp_path):
    one = save(group, "the #1 photo.jpg")
    (tmp_path / "other").mkdir()
    same_name = save(group, "other/the #1 photo.jpg")
    result = embed({"image": one}, {"image": same_name}, crops_uri=(tmp_path / "crops").as_uri())
    crops = [face.crop for picture in result.images for face in picture.faces]
    names = [storage.local_path(uri).name for uri in crops]
    assert names == [f"the #1 photo-{number}.jpg" for number in range(6)]
    assert len(list((tmp_path / "crops").iterdir())) == 6
    for uri in crops:
        with storage.reading(uri) as path, Image.open(path) as crop:
            assert (crop.format, crop.size, crop.mode) == ("JPEG", (160, 160), "RGB")


def test_a_crop_shows_the_face_of_its_box(embed, group, samples, tmp_path):
    (picture,) = embed({"image": samples[0].as_uri()}, crops_uri=tmp_path.as_uri()).images
    for face in picture.faces:
        box = face.box
        expected = group.crop((box.x, box.y, box.x + box.width, box.y + box.height)).resize((160, 160))
        with Image.open(storage.local_path(face.crop)) as crop:
            assert np.abs(np.subtract(crop, expected, dtype=float)).mean() < 5


def test_a_photograph_taken_sideways_is_turned(embed, group, save, samples):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = save(group.transpose(Image.Transpose.ROTATE_90), "sideways.jpg", exif=exif, quality=95)
    found = [embed({"image": uri}).images[0].faces for uri in (turned, samples[0].as_uri())]
    places = [sorted(face.box.x for face in faces) for faces in found]
    assert places[0] == pytest.approx(places[1], abs=15)


def test_a_very_large_photograph_is_answered_in_its_own_pixels(embed, group, save, samples):
    large = save(group.resize((7680, 5120)), "large.jpg")
    found = [embed({"image": uri}, min_face=100).images[0].faces for uri in (large, samples[0].as_uri())]
    places = [sorted(face.box.x for face in faces) for faces in found]
    assert places[0] == pytest.approx([4 * x for x in places[1]], abs=60)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "LA"])
def test_any_colour_mode_is_read(embed, group, save, mode):
    picture = group.resize((640, 427)).convert(mode)
    options = {"transparency": b"\x80" * 256} if mode == "P" else {}
    (found,) = embed({"image": save(picture, "picture.png", **options)}).images
    assert len(found.faces) == 3 or mode == "1"


@pytest.mark.parametrize("size", [(1, 1), (12, 12), (20, 20), (3000, 1), (640, 480)])
def test_a_picture_without_faces_gives_an_empty_list(embed, save, size):
    (picture,) = embed({"image": save(Image.new("RGB", size), "black.png")}).images
    assert picture.faces == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "a photo.jpg is empty."),
        (
            b"no picture",
            "a photo.jpg cannot be decoded as a JPEG, PNG or WebP picture (cannot identify image file).",
        ),
    ],
)
def test_what_is_no_picture(embed, save, content, sentence):
    with pytest.raises(MediaError) as error:
        embed({"image": save(content, "a photo.jpg")})
    assert str(error.value) == sentence


def test_half_a_picture(embed, samples, save):
    whole = samples[0].read_bytes()
    with pytest.raises(
        MediaError, match=r"^half.jpg cannot be decoded as .* \(image file is truncated .*\)\.$"
    ):
        embed({"image": save(whole[: len(whole) // 2], "half.jpg")})


@pytest.mark.parametrize("side", [10_100, 20_000])
def test_a_decompression_bomb(embed, save, side):
    with pytest.raises(MediaError, match=r"^bomb.png has more than 100 megapixels.$"):
        embed({"image": save(Image.new("1", (side, side)), "bomb.png")})


def test_an_unknown_option_is_refused():
    with pytest.raises(UserError, match=r"^facenet refuses the request: faces.margin: "):
        handler({"images": [{"image": "file:///a.jpg"}], "margin": 3}, None)


def test_the_answer_names_mtcnn(samples):
    answer = handler({"images": [{"image": samples[0].as_uri()}]}, None)
    assert answer["models"] == [models.catalogue()["mtcnn"].ref.model_dump()]


def test_the_networks_are_those_of_the_store(make_store, mtcnn_files, embed, samples, tmp_path):
    weights = torch.load(mtcnn_files["pnet.pt"], weights_only=True)
    weights["conv4_1.bias"] = torch.tensor([100.0, 0.0])  # never a face
    torch.save(weights, tmp_path / "pnet.pt")
    folder = make_store({"mtcnn": mtcnn_files | {"pnet.pt": tmp_path / "pnet.pt"}, "facenet-vggface2": {}})
    from containers.facenet.detector import load_detector

    load_detector.cache_clear()
    assert embed({"image": samples[0].as_uri()}).images[0].faces == []
    load_detector.cache_clear()

    models.open_model.cache_clear()
    (folder / "mtcnn" / "pnet.pt").write_bytes(b"other")
    with pytest.raises(ModelCorrupt, match="does not match its SHA-256"):
        embed({"image": samples[0].as_uri()})
    (folder / "mtcnn" / "pnet.pt").unlink()
    with pytest.raises(ModelMissing, match=r"run `uv run python -m flows\.models fetch mtcnn`\.$"):
        embed({"image": samples[0].as_uri()})
    make_store({"mtcnn": mtcnn_files, "facenet-vggface2": {}})
