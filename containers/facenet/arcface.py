"""Networks of ArcFace's kind: they take 112 x 112 pixels in which eyes, nose and mouth lie in their places.

Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", 2019; the places of the five
points, and pixels from -1 to 1, are those of its authors' code (https://github.com/deepinsight/insightface,
python-package/insightface/utils/face_align.py and model_zoo/arcface_onnx.py).
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from containers.facenet.detector import LocatedFace

SIZE = 112  # pixels
PLACES = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]
)
CENTRE = 0.5 + 0.5j  # of a pixel, whose number PLACES and landmarks count from


@cache
def load(path: Path) -> "ArcFace":
    return ArcFace(path)


class ArcFace:
    """A network in ONNX with one picture in and one vector out."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", 0))  # 0: all cores
        self._session: Any = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def cut(self, picture: Image.Image, face: LocatedFace, crop: Image.Image) -> Image.Image:
        """The face with its landmarks in their places; without landmarks, which a face that MTCNN did not
        confirm lacks, its box."""
        if len(face.landmarks) != len(PLACES):
            return crop.resize((SIZE, SIZE))
        return align(picture, face.landmarks)

    def embed(self, faces: list[Image.Image]) -> NDArray[np.float32]:
        """Vectors (faces, 512) of L2 norm 1, one after another: its graph promises one a run."""
        found = []
        for face in faces:
            pixels = (np.asarray(face, np.float32) - 127.5) / 127.5
            found.append(self._session.run(None, {self._input: pixels.transpose(2, 0, 1)[None]})[0][0])
        vectors = np.array(found)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def align(picture: Image.Image, landmarks: NDArray[np.floating]) -> Image.Image:
    """112 x 112 pixels of `picture` in which `landmarks` (5, 2) lie as near their places as turning, scaling
    and moving can bring them.

    As complex numbers that is place = a landmark + b, whose least squares are Umeyama's similarity without
    reflection ("Least-squares estimation of transformation parameters between two point patterns", 1991).
    """
    given, places = landmarks @ (1, 1j), PLACES @ (1, 1j)
    system = np.stack([given, np.ones_like(given)], axis=1)
    (scale, shift), *_ = np.linalg.lstsq(system, places, rcond=None)
    turn = 1 / scale
    start = CENTRE - (CENTRE + shift) * turn
    inverse = (turn.real, -turn.imag, start.real, turn.imag, turn.real, start.imag)
    return picture.transform((SIZE, SIZE), Image.Transform.AFFINE, inverse, Image.Resampling.BILINEAR)
