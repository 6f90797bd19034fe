"""Faces in photographs: where they are and what they show."""

import json
from itertools import combinations, pairwise

import numpy as np
import pytest
from PIL import Image, ImageFilter

from containers.common import storage
from containers.common.models import store as models

pytestmark = pytest.mark.slow

EXPRESSIONS = ["neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised"]


@pytest.fixture(scope="module")
def answer(worker, samples):
    return worker.detect(*samples)


@pytest.fixture(scope="module")
def faces(answer):
    return [face for picture in answer.result.images for face in picture.faces]


@pytest.fixture
def save(tmp_path):
    """Writes a Pillow picture and returns its URI."""

    def write(picture: Image.Image, name: str, **options: object) -> str:
        picture.save(tmp_path / name, **options)
        return (tmp_path / name).as_uri()

    return write


@pytest.fixture(scope="module")
def group(samples) -> Image.Image:
    """A photograph of three people."""
    return Image.open(storage.local_path(samples[0]))


def test_the_ssd_detector_finds_every_face(answer, samples):
    assert [picture.image for picture in answer.result.images] == samples
    assert [len(picture.faces) for picture in answer.result.images] == [3, 3, 3, 4, 5, 4]


def test_the_tiny_detector_finds_most_faces_in_less_time(worker, samples):
    found = worker.detect(*samples, detector="tiny", min_confidence=0.5).result
    assert sum(len(picture.faces) for picture in found.images) >= 18


def test_auto_lets_ssd_look_where_tiny_is_unsure(worker, samples, answer):
    found = worker.detect(*samples, detector="auto").result.images
    assert [len(picture.faces) for picture in found] == [3, 3, 3, 4, 5, 4]
    by_ssd = [picture == other for picture, other in zip(found, answer.result.images, strict=True)]
    assert by_ssd == [True, True, True, True, False, True]


def test_landmarks_alone_of_faces_already_found(worker, samples, answer):
    boxes = [[face.detection.box.model_dump() for face in image.faces] for image in answer.result.images]
    found = worker.detect(*samples, boxes=boxes).result.images
    for picture, known in zip(found, answer.result.images, strict=True):
        assert picture.faces == []
        expected = [face.landmarks for face in known.faces]
        assert np.array(picture.shapes) == pytest.approx(np.array(expected), abs=2)


def test_a_box_outside_the_picture_has_no_landmarks(worker, samples):
    box = {"x": 5000, "y": 0, "width": 50, "height": 50}
    (picture,) = worker.detect(samples[0], boxes=[[box]]).result.images
    assert picture.shapes == [[]]


def test_sharp_faces_are_sharper_than_blurred_ones(worker, group, save):
    blurred = save(group.filter(ImageFilter.GaussianBlur(6)), "blurred.jpg")
    pictures = worker.detect(save(group, "sharp.jpg", quality=95), blurred).result.images
    for sharp, soft in zip(*(by_place(picture) for picture in pictures), strict=True):
        assert sharp.sharpness > 2 * soft.sharpness


def test_boxes_lie_inside_the_picture_and_landmarks_about_them(answer):
    for picture in answer.result.images:
        for face in picture.faces:
            box = face.detection.box
            assert box.x >= 0 and box.x + box.width <= picture.width
            assert box.y >= 0 and box.y + box.height <= picture.height
            x, y = np.mean(face.landmarks, axis=0)
            assert box.x < x < box.x + box.width
            assert box.y < y < box.y + box.height


def test_each_face_has_expressions_age_gender_landmarks_and_a_descriptor(faces):
    for face in faces:
        assert face.detection.score >= 0.4
        assert list(face.expressions) == EXPRESSIONS
        assert sum(face.expressions.values()) == pytest.approx(1, abs=1e-6)
        assert 1 < face.ageAndGender.age < 100
        assert face.ageAndGender.genderProbability >= 0.5
        assert len(face.landmarks) == 68
        assert len(face.descriptor) == 128
    assert sum(face.ageAndGender.gender == "female" for face in faces) >= 20  # all 22 are women


def test_descriptors_tell_people_apart(answer):
    for picture in answer.result.images:
        descriptors = [np.array(face.descriptor) for face in picture.faces]
        distances = [np.linalg.norm(one - other) for one, other in combinations(descriptors, 2)]
        assert min(distances) > 0.4


def test_landmarks_and_descriptor_can_be_left_out(worker, samples):
    (picture,) = worker.detect(samples[0], landmarks=False, descriptor=False).result.images
    assert all(face.landmarks == [] and face.descriptor == [] for face in picture.faces)


def test_small_faces_can_be_left_out(worker, samples, answer):
    widths = sorted(face.detection.box.width for face in answer.result.images[4].faces)
    (picture,) = worker.detect(samples[4], min_face=int(widths[2]) + 1).result.images
    assert len(picture.faces) == 2


def test_a_photograph_taken_sideways_is_turned_as_its_exif_orientation_says(worker, group, save, answer):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    turned = save(group.transpose(Image.Transpose.ROTATE_90), "sideways.jpg", exif=exif, quality=95)
    (picture,) = worker.detect(turned).result.images
    (upright, *_) = answer.result.images
    assert (picture.width, picture.height) == group.size
    for face, expected in zip(by_place(picture), by_place(upright), strict=True):
        assert face.detection.box.x == pytest.approx(expected.detection.box.x, abs=15)
        assert face.detection.box.y == pytest.approx(expected.detection.box.y, abs=15)
        assert np.linalg.norm(np.subtract(face.descriptor, expected.descriptor)) < 0.2


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("grey.jpg", "L"),
        ("print.jpg", "CMYK"),
        ("transparent.png", "RGBA"),
        ("palette.png", "P"),
        ("web.webp", "RGB"),
    ],
)
def test_any_colour_mode_of_jpeg_png_and_webp_is_read(worker, group, save, name, mode):
    (picture,) = worker.detect(save(group.resize((640, 427)).convert(mode), name)).result.images
    assert len(picture.faces) == 3


def test_a_very_large_photograph_is_answered_in_its_own_pixels(worker, group, save, answer):
    large = save(group.resize((7680, 5120)), "large.jpg")
    (picture,) = worker.detect(large).result.images
    assert (picture.width, picture.height) == (7680, 5120)
    for face, expected in zip(by_place(picture), by_place(answer.result.images[0]), strict=True):
        box, quarter = face.detection.box, expected.detection.box
        assert [box.x, box.width] == pytest.approx([4 * quarter.x, 4 * quarter.width], abs=60)
        assert np.array(face.landmarks) == pytest.approx(4 * np.array(expected.landmarks), abs=60)
        assert np.linalg.norm(np.subtract(face.descriptor, expected.descriptor)) < 0.2


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (640, 480)])
def test_a_picture_without_faces_gives_an_empty_list(worker, save, size):
    (picture,) = worker.detect(save(Image.new("RGB", size), "black.png")).result.images
    assert (picture.width, picture.height) == size
    assert picture.faces == []


def test_a_big_result_goes_to_storage_and_its_uri_into_the_answer(worker, samples, tmp_path, answer):
    target = tmp_path / "new folder" / "faces.json"
    found = worker.detect(*samples, result_uri=target.as_uri())
    assert found.result is None
    assert found.result_uri == target.as_uri()
    assert json.loads(target.read_text()) == answer.result.model_dump(mode="json")
    assert [path.name for path in target.parent.iterdir()] == ["faces.json"]


def test_the_answer_names_its_model_and_loads_it_once(worker, samples):
    first, second = (worker.detect(samples[0]) for _ in range(2))
    assert second.models == [models.catalogue()["faceapi"].ref]
    assert second.load_seconds == 0 < second.compute_seconds
    assert first.result == second.result


def test_fifty_pictures_leave_no_tensor_behind(node, store, samples):
    script = f"""
    import tf from "@tensorflow/tfjs-core";
    import {{ decode }} from "./pictures.mjs";
    process.env.MEDIAFLOW_FACEAPI_BACKEND = "wasm";
    const {{ default: findFaces }} = await import("./faces.mjs");
    const request = {{
      detector: "tiny", input_size: 416, min_confidence: 0.4, min_face: 0, descriptor: true
    }};
    const picture = await decode({samples[1]!r}, 416);
    for (let count = 1; count <= 50; count++) {{
      await findFaces({{ folder: {str(store / "faceapi")!r}, picture, request }});
      if (count % 10 === 0) console.log(tf.memory().numTensors);
    }}
    """
    counts = [int(line) for line in node(script).split()]
    assert len(counts) == 5
    assert all(one == next for one, next in pairwise(counts))


def by_place(picture):
    return sorted(picture.faces, key=lambda face: face.detection.box.x)
