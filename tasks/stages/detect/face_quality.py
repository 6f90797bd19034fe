"""How well a face can be recognised in a frame: sharp, large and turned to the camera."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from containers.common.contract import Score
from containers.common.documents.faces import Face

# Where each measure is worth half of its best.
HALF_WIDTH = 60  # pixels of the box
HALF_SHARPNESS = 60  # variance of the Laplacian of the face at 96 x 96, grey levels squared
# A track whose best face is worth less shows somebody, but not whom: benchmarks/faces.md.
CLEAR = 0.09
# iBUG 300-W landmarks: the tip of the nose and the outer corners of the eyes.
NOSE, RIGHT_EYE, LEFT_EYE = 30, 36, 45


Measured = TypeVar("Measured", float, NDArray[np.float64])


def weight_of(quality: Measured) -> Measured:
    """How much a face's vector counts among others: its inverse variance, up to a factor.

    Vectors of one person lie the farther apart the lower their quality: 0.42, 0.31, 0.19 and 0.09 at 0.04,
    0.08, 0.14 and 0.4 (benchmarks/faces.md).
    """
    return quality**2


class FaceQuality(BaseModel):
    size: float = Field(description="width of the box, pixels")
    sharpness: float = Field(
        description="variance of the Laplacian of the face at 96 x 96, grey levels squared"
    )
    frontal: Score = Field(description="1 where the nose is midway between the eyes, 0 in profile")
    overall: Score = Field(description="of all of these and the detector's score")


def measure_quality(face: Face) -> FaceQuality:
    """Quality of one detection; without landmarks its turn is unknown and counts half."""
    size = face.detection.box.width
    frontal = _frontal(np.array(face.landmarks)) if face.landmarks else 0.5
    overall = face.detection.score * (size / (size + HALF_WIDTH)) * (0.2 + 0.8 * frontal)
    overall *= face.sharpness / (face.sharpness + HALF_SHARPNESS)
    return FaceQuality(
        size=size, sharpness=face.sharpness, frontal=round(frontal, 4), overall=round(float(overall), 6)
    )


def _frontal(points: np.ndarray) -> float:
    """Nearer over further of the eyes' distances from the nose, along the line between the eyes."""
    eyes = points[LEFT_EYE] - points[RIGHT_EYE]
    length = float(eyes @ eyes)
    if not length:
        return 0.0
    place = float((points[NOSE] - points[RIGHT_EYE]) @ eyes) / length  # 0.5 midway
    return max(0.0, min(place, 1 - place) / max(place, 1 - place))
