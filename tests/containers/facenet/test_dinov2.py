"""Whole pictures as vectors of DINOv2.

The weights that people fetch are in no registry: the path is proved with a small network of its class.
"""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import BitImageProcessor, Dinov2Config, Dinov2Model

from containers.facenet.app import handler

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("error")]


@pytest.fixture(scope="module")
def saved(make_store, tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("dinov2")
    shape = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3, "image_size": 518}
    network = Dinov2Model(Dinov2Config(patch_size=14, **shape)).eval()
    network.save_pretrained(folder)
    processor = BitImageProcessor(
        size={"shortest_edge": 256}, crop_size={"height": 224, "width": 224}
    )  # as facebook/dinov2-base's preprocessor_config.json has them
    processor.save_pretrained(folder)
    names = ("model.safetensors", "config.json", "preprocessor_config.json")
    make_store({"dinov2-base": {name: folder / name for name in names}})
    return processor, network


def test_vectors_equal_transformers_own(look, saved, samples):
    pictures = [Image.open(path).convert("RGB") for path in samples[:3]]
    processor, network = saved
    with torch.inference_mode():
        tokens = network(processor(pictures, return_tensors="pt")["pixel_values"]).last_hidden_state[:, 0]
    expected = (tokens / tokens.norm(dim=1, keepdim=True)).numpy()
    vectors = look(*pictures, batch_size=2)
    assert vectors.shape == (3, 48)
    assert np.abs(vectors - expected).max() < 1e-5


def test_it_is_chosen_when_the_store_has_it(saved, samples):
    answer = handler({"action": "look", "images": [samples[0].as_uri()]}, None)
    assert answer["result"]["model"] == "dinov2-base"
    assert [model["id"] for model in answer["models"]] == ["dinov2-base"]
