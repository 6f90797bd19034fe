"""The networks that make faces' vectors, and what each is given."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from containers.common.models.store import catalogue
from containers.facenet import arcface, embedder
from containers.facenet.choice import AURAFACE
from containers.facenet.contract import EmbedderName
from containers.facenet.detector import LocatedFace


class Embedder(Protocol):
    def cut(self, picture: Image.Image, face: LocatedFace, crop: Image.Image) -> Image.Image:
        """What the network looks at; `crop` is the face's box at 160 x 160."""
        ...

    def embed(self, faces: list[Image.Image]) -> NDArray[np.float32]:
        """Vectors (faces, 512) of L2 norm 1."""
        ...


def load_embedder(name: EmbedderName, folder: Path) -> Embedder:
    if name == AURAFACE:
        return arcface.load(folder / "glintr100.onnx")
    return _VggFace2(folder / catalogue()[name].files[0].name)


class _VggFace2:
    def __init__(self, checkpoint: Path) -> None:
        self._network = embedder.load_embedder(checkpoint)

    def cut(self, picture: Image.Image, face: LocatedFace, crop: Image.Image) -> Image.Image:
        return crop

    def embed(self, faces: list[Image.Image]) -> NDArray[np.float32]:
        return embedder.embed_faces(self._network, faces)
