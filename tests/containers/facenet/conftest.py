"""Photographs of face-api's demo, and model stores with MTCNN's packaged networks."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from containers.faceapi.install import FOLDER, install
from containers.facenet.contract import EmbedResult, LookResult

DEMO = FOLDER / "node_modules/@vladmandic/face-api/demo"


@pytest.fixture(scope="session")
def samples() -> list[Path]:
    """Six photographs with 3, 3, 3, 4, 5 and 4 faces."""
    install()
    return [DEMO / f"sample{number}.jpg" for number in range(1, 7)]


@pytest.fixture(scope="session")
def group(samples) -> Image.Image:
    """A photograph of three people, 1920 x 1280."""
    return Image.open(samples[0])


@pytest.fixture(scope="session")
def mtcnn_files() -> dict[str, Path]:
    package = Path(find_spec("facenet_pytorch").submodule_search_locations[0])
    return {file.name: file for file in sorted((package / "data").glob("?net.pt"))}


@pytest.fixture(scope="session")
def embed():
    """Calls the handler as AWS does and returns the checked result."""
    from containers.facenet.app import handler

    def call(*images: dict, **options: object) -> EmbedResult:
        answer = handler({"images": list(images), **options}, None)
        return EmbedResult.model_validate(answer["result"])

    return call


@pytest.fixture
def look(tmp_path):
    """Vectors of Pillow pictures, shape (pictures, dimension)."""

    from containers.facenet.app import handler

    def call(*pictures: Image.Image, **options: object) -> np.ndarray:
        uris = []
        for number, picture in enumerate(pictures):
            picture.save(tmp_path / f"{number}.png")
            uris.append((tmp_path / f"{number}.png").as_uri())
        answer = handler({"action": "look", "images": uris, **options}, None)
        result = LookResult.model_validate(answer["result"])
        assert [seen.image for seen in result.images] == uris
        return np.array([seen.vector for seen in result.images])

    return call
