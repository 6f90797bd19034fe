"""512-d embeddings, by weights of the true architecture that are made here: VGGFace2's are in no registry."""

from pathlib import Path

import numpy as np
import pytest
import torch
from facenet_pytorch import MTCNN, InceptionResnetV1
from PIL import Image

from containers.common.models import store as models
from containers.facenet.app import handler

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("error")]

CHECKPOINT = "20180402-114759-vggface2.pt"


@pytest.fixture(scope="module")
def network() -> InceptionResnetV1:
    """As it was trained: with a classifier of VGGFace2's 8,631 people."""
    torch.manual_seed(0)
    return InceptionResnetV1(classify=True, num_classes=8631).eval()


@pytest.fixture(scope="module", autouse=True)
def store(make_store, mtcnn_files, network, tmp_path_factory) -> Path:
    checkpoint = tmp_path_factory.mktemp("checkpoint") / CHECKPOINT
    torch.save(network.state_dict(), checkpoint)
    return make_store({"mtcnn": mtcnn_files, "facenet-vggface2": {CHECKPOINT: checkpoint}})


@pytest.fixture(scope="module")
def expected(network, samples) -> np.ndarray:
    """What facenet-pytorch's own calls give for the second to last photograph."""
    network.classify = False
    with torch.inference_mode():
        return network(MTCNN(image_size=160, margin=0, keep_all=True)(Image.open(samples[4]))).numpy()


@pytest.mark.parametrize("batch_size", [1, 2, 32])
def test_embeddings_equal_facenet_pytorchs_own(embed, samples, expected, batch_size):
    result = embed({"image": samples[4].as_uri()}, min_confidence=0.1, batch_size=batch_size)
    vectors = np.array([face.embedding for face in result.images[0].faces])
    assert result.embedding_model == "facenet-vggface2"
    assert vectors.shape == (5, 512)
    assert np.abs(vectors - expected).max() < 1e-5
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_a_face_that_is_not_confirmed_is_embedded_as_it_was_given(embed, samples):
    box = {"x": 50, "y": 50, "width": 200, "height": 200}
    (face,) = embed({"image": samples[4].as_uri(), "boxes": [box]}).images[0].faces
    assert face.score == 0
    assert len(face.embedding) == 512


def test_pictures_without_faces_need_no_network(embed, tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "black.png")
    result = embed({"image": (tmp_path / "black.png").as_uri()})
    assert result.images[0].faces == []


def test_the_answer_names_both_models(samples):
    answer = handler({"images": [{"image": samples[0].as_uri()}]}, None)
    assert [model["id"] for model in answer["models"]] == ["mtcnn", "facenet-vggface2"]
    assert answer["models"][1] == models.catalogue()["facenet-vggface2"].ref.model_dump()
