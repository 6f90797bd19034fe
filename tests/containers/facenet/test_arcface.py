"""Networks of ArcFace's kind: faces turned into place, and a small network with AuraFace's inputs and
outputs, since its weights are in no package."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from containers.common.errors import UserError
from containers.facenet import arcface
from containers.facenet.choice import choose_embedder
from containers.facenet.detector import LocatedFace
from tests.containers.networks import make_auraface


def points(scale: float, degrees: float, shift: tuple[float, float]) -> np.ndarray:
    """ArcFace's five places, turned, scaled and moved."""
    turn = scale * np.exp(1j * np.deg2rad(degrees))
    moved = arcface.PLACES @ (1, 1j) * turn + complex(*shift)
    return np.stack([moved.real, moved.imag], axis=1)


def marked(landmarks: np.ndarray) -> Image.Image:
    """A picture that is bright around each of five points, in the colours of their numbers."""
    y, x = np.mgrid[:400, :400]
    picture = np.zeros((400, 400, 3), np.uint8)
    for number, (left, top) in enumerate(landmarks):
        spot = (x - left) ** 2 + (y - top) ** 2 <= 16
        picture[spot] = (50 * (number + 1), 255, 0)
    return Image.fromarray(picture)


@pytest.mark.parametrize(
    ("scale", "degrees", "shift"),
    [(1, 0, (0, 0)), (2.5, 0, (30, 60)), (2, 35, (150, 20)), (1.5, -80, (80, 300))],
)
def test_a_face_is_turned_into_its_place(scale, degrees, shift):
    landmarks = points(scale, degrees, shift)
    aligned = np.asarray(arcface.align(marked(landmarks), landmarks), int)
    assert aligned.shape == (112, 112, 3)
    for number, place in enumerate(arcface.PLACES):
        red = np.abs(aligned[..., 0] - 50 * (number + 1)) <= 5
        y, x = np.nonzero(red & (aligned[..., 1] > 250))
        assert np.abs([x.mean() - place[0], y.mean() - place[1]]).max() < 0.6


def test_a_face_in_place_is_left_as_it_is():
    noise = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)
    aligned = np.asarray(arcface.align(Image.fromarray(noise), arcface.PLACES), int)
    assert np.abs(aligned - noise)[1:-1, 1:-1].max() <= 1


def test_the_nearest_similarity_for_a_face_that_fits_none(monkeypatch):
    """Least squares: no other turn, size or shift near it brings the points nearer to their places."""
    landmarks = points(2, 20, (100, 50)) + np.random.default_rng(1).normal(0, 8, (5, 2))
    seen = {}
    monkeypatch.setattr(Image.Image, "transform", lambda *given: seen.update(inverse=given[3]))
    arcface.align(Image.new("RGB", (8, 8)), landmarks)
    a, b, c, d, e, f = seen["inverse"]
    assert (a, b) == pytest.approx((e, -d)), "turned and scaled, not sheared or mirrored"
    turn, start = complex(a, d), complex(c, f)
    inside = 0.5 + 0.5j
    given, places = landmarks @ (1, 1j), arcface.PLACES @ (1, 1j)

    def error(turn: complex, start: complex) -> float:
        scale = 1 / turn
        return float((np.abs((given + inside - start) * scale - inside - places) ** 2).sum())

    best = error(turn, start)
    for step in (1e-3, -1e-3, 1e-3j, -1e-3j):
        assert error(turn * (1 + step), start) >= best
        assert error(turn, start + 100 * step) >= best


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> tuple[dict[str, np.ndarray], Path]:
    """Its weights and its file."""
    path = tmp_path_factory.mktemp("auraface") / "glintr100.onnx"
    return make_auraface(path), path


def vector_of(weights: dict[str, np.ndarray], pixels: np.ndarray) -> np.ndarray:
    """What the network makes of RGB pixels (112, 112, 3) from 0 to 255, by torch."""
    import torch
    from torch.nn import functional

    kernel, slope, matrix = (
        torch.from_numpy(weights[name]).float() for name in ("kernel", "slope", "matrix")
    )
    given = torch.from_numpy((pixels.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None])
    seen = functional.prelu(functional.conv2d(given, kernel, stride=4), slope.flatten())
    return functional.normalize(seen.flatten(1) @ matrix)[0].numpy()


@pytest.fixture(scope="module")
def store(make_store, mtcnn_files, network):
    return make_store(
        {"mtcnn": mtcnn_files, "auraface": {"glintr100.onnx": network[1]}, "facenet-vggface2": {}}
    )


@pytest.mark.slow
def test_vectors_are_the_network_s_of_aligned_faces(store, network, embed, samples):
    assert choose_embedder(None) == choose_embedder("auraface") == "auraface"
    with pytest.raises(UserError, match="'mtcnn' embeds no faces: choose facenet-vggface2 or auraface"):
        choose_embedder("mtcnn")
    picture = Image.open(samples[4]).convert("RGB")
    result = embed({"image": samples[4].as_uri()}, min_confidence=0.1)
    assert result.embedding_model == "auraface" and len(result.images[0].faces) == 5
    for face in result.images[0].faces:
        pixels = np.asarray(arcface.align(picture, np.array(face.landmarks)))
        # Landmarks are rounded to hundredths of a pixel.
        assert np.abs(vector_of(network[0], pixels) - face.embedding).max() < 1e-3


@pytest.mark.slow
def test_a_face_without_landmarks_is_looked_at_as_its_box(store, embed, samples):
    box = {"x": 50, "y": 50, "width": 200, "height": 200}
    (face,) = embed({"image": samples[4].as_uri(), "boxes": [box]}, model="auraface").images[0].faces
    assert face.score == 0 and np.linalg.norm(face.embedding) == pytest.approx(1)
    loaded = arcface.load(store / "auraface" / "glintr100.onnx")
    crop = Image.open(samples[4]).convert("RGB").crop((50, 50, 250, 250)).resize((160, 160))
    seen = loaded.cut(crop, LocatedFace(np.zeros(4), 0, np.zeros((0, 2))), crop)
    assert seen.size == (112, 112)
