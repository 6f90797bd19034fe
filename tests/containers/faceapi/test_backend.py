"""What the networks are computed by, and that it makes no difference to what is found."""

import numpy as np
import pytest
from PIL import Image

from containers.common import storage
from containers.common.errors import UserError

pytestmark = pytest.mark.slow

CUDA_HERE = "the npm package @tensorflow/tfjs-node-gpu is not installed"
NO_LIBRARY = """
import Module from "node:module";
const load = Module._load;
Module._load = (name, ...rest) => {
  if (name === "onnxruntime-node") throw new Error("libonnxruntime.so.1: no such file.\\nStack");
  return load(name, ...rest);
};
const { chooseBackend } = await import("./backend.mjs");
"""


def test_auto_is_native(node):
    script = 'import { chooseBackend } from "./backend.mjs"; console.log(chooseBackend({}))'
    assert node(script) == "native\n"


def test_without_a_library_for_this_machine_auto_is_web_assembly(node):
    assert node(NO_LIBRARY + "console.log(chooseBackend({}))") == "wasm\n"


def test_native_that_cannot_be_had_is_refused_in_one_sentence(node):
    asked = """
    try {
      chooseBackend({ MEDIAFLOW_FACEAPI_BACKEND: "native" });
    } catch (error) {
      console.log(`${error}`);
    }
    """
    sentence = "face-api's networks cannot run in ONNX Runtime: libonnxruntime.so.1: no such file."
    assert node(NO_LIBRARY + asked) == f"UserError: {sentence}\n"


def test_cuda_that_cannot_be_had_is_refused_in_one_sentence(start_worker, samples):
    worker = start_worker(MEDIAFLOW_FACEAPI_BACKEND="cuda")
    kind, sentence = worker.refuse({"images": samples[:1]})
    assert kind == UserError.__name__
    assert sentence.startswith(f"face-api cannot use CUDA: {CUDA_HERE}")


def test_an_unknown_backend_is_refused(start_worker, samples):
    worker = start_worker(MEDIAFLOW_FACEAPI_BACKEND="metal")
    assert worker.refuse({"images": samples[:1]}) == (
        "UserError",
        "MEDIAFLOW_FACEAPI_BACKEND is 'metal', not auto, native, wasm or cuda.",
    )


@pytest.fixture(scope="module")
def native(worker):
    """ONNX Runtime, as `auto` has it."""
    return worker


@pytest.fixture(scope="module")
def reference(start_worker):
    """face-api itself."""
    return start_worker(MEDIAFLOW_FACEAPI_BACKEND="wasm")


@pytest.fixture(scope="module")
def pictures(samples, tmp_path_factory) -> list[str]:
    """Photographs, and what else pictures are: tilted, cut through a face and grey, a crowd, nobody."""
    folder = tmp_path_factory.mktemp("pictures")
    first, second = (Image.open(storage.local_path(samples[number])).convert("RGB") for number in (0, 5))
    width, height = first.size
    crowd = Image.new("RGB", first.size)  # more than a batch of faces
    for place in ((0, 0), (width // 2, 0), (0, height // 2), (width // 2, height // 2)):
        crowd.paste(first.resize((width // 2, height // 2)), place)
    made = {
        "tilted": first.rotate(25, expand=True),
        "cut": first.crop((width // 3, height // 5, width * 2 // 3, height)).convert("L"),
        "crowd": crowd,
        "small": second.resize((301, 200)),
        "nobody": Image.new("RGB", (640, 360), "grey"),
    }
    for name, picture in made.items():
        picture.save(folder / f"{name}.png")
    return [*samples[3:5], *((folder / f"{name}.png").as_uri() for name in made)]


@pytest.mark.parametrize(
    "options", [{"detector": "ssd"}, {"detector": "tiny", "input_size": 608}], ids=["ssd", "tiny"]
)
def test_native_finds_what_face_api_finds(native, reference, pictures, options):
    ours, theirs = (worker.detect(*pictures, **options).result.images for worker in (native, reference))
    assert [len(picture.faces) for picture in ours] == [len(picture.faces) for picture in theirs]
    faces = [face for picture in ours for face in picture.faces]
    expected = [face for picture in theirs for face in picture.faces]
    assert len(faces) > 12

    def both(value):
        return (np.array([value(face) for face in side]) for side in (faces, expected))

    np.testing.assert_allclose(*both(lambda face: list(face.detection.box.model_dump().values())), atol=1)
    np.testing.assert_allclose(*both(lambda face: face.detection.score), atol=1e-3)
    np.testing.assert_allclose(*both(lambda face: face.landmarks), atol=1)
    np.testing.assert_allclose(*both(lambda face: list(face.expressions.values())), atol=1e-3)
    np.testing.assert_allclose(*both(lambda face: face.descriptor), atol=1e-3)
    np.testing.assert_allclose(*both(lambda face: face.ageAndGender.age), atol=0.1)
    np.testing.assert_allclose(*both(lambda face: face.ageAndGender.genderProbability), atol=1e-3)
    assert [face.ageAndGender.gender for face in faces] == [face.ageAndGender.gender for face in expected]


def test_native_finds_the_landmarks_of_boxes_that_face_api_finds(native, reference, samples):
    boxes = [
        [{"x": 100, "y": 50, "width": 300, "height": 260}] * 11,
        [{"x": -40, "y": 10, "width": 90, "height": 400}],
    ]
    ours, theirs = (worker.detect(*samples[:2], boxes=boxes).result.images for worker in (native, reference))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.shapes, other.shapes, atol=0.5)
