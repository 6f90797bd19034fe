"""MTCNN: where a face is, how sure that is, and where its eyes, nose and mouth corners are.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks", 2016.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from containers.common.media.box import intersection_over_union
from containers.common.models.checkpoints import load_checkpoint

if TYPE_CHECKING:
    from facenet_pytorch import MTCNN

SMALLEST = 12  # pixels: what the P-net looks at; for less it would enlarge the picture
LARGEST = 3072  # pixels of the longer side; larger pictures are searched at this size (1.7 GB)
# A given box is looked at with half its size around it, at this size, for a face not much smaller than it,
# and is confirmed by a face of at least this intersection over union.
MARGIN, REGION, SHARE, OVERLAP = 0.5, 256, 0.4, 0.3

Corners = NDArray[np.float64]  # left, top, right, bottom; pixels


class LocatedFace(NamedTuple):
    """`box` lies inside the picture; `landmarks` (5, 2): eyes, nose, mouth corners; pixels."""

    box: Corners
    score: float
    landmarks: NDArray[np.float64]


@cache
def load_detector(folder: Path) -> "MTCNN":
    """MTCNN with the P-, R- and O-net of the folder."""
    import torch
    from facenet_pytorch import MTCNN

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.allow_tf32 = False  # with it boxes are up to 3 pixels elsewhere than on a CPU
    # It reads its package's own weights, which no hash vouches for.
    detector = MTCNN(keep_all=True, device=device)
    for name in ("pnet", "rnet", "onet"):
        getattr(detector, name).load_state_dict(load_checkpoint(folder / f"{name}.pt"))
    return detector.eval()


def find_faces(
    detector: "MTCNN", picture: Image.Image, min_face: float, largest: int = LARGEST
) -> list[LocatedFace]:
    """Every face of at least `min_face` pixels, the largest first.

    A picture whose longer side exceeds `largest` pixels is searched at that size.
    """
    size = np.array(picture.size)
    scale = min(1.0, largest / max(size))
    if scale < 1:
        picture = picture.resize(np.maximum(1, (size * scale).round().astype(int)).tolist())
    detector.min_face_size = max(SMALLEST, round(min_face * scale))
    if min(picture.size) <= detector.min_face_size:
        return []  # MTCNN fails on a picture without any scale to search
    boxes, scores, landmarks = cast(tuple, detector.detect(picture, landmarks=True))
    if boxes is None:
        return []
    ratio = size / picture.size
    boxes = np.clip(boxes.astype(float) * np.tile(ratio, 2), 0, np.tile(size, 2))
    return [
        LocatedFace(box, min(1.0, float(score)), points)
        for box, score, points in zip(boxes, scores, landmarks.astype(float) * ratio, strict=True)
    ]


def confirm_face(detector: "MTCNN", picture: Image.Image, box: Corners) -> LocatedFace | None:
    """The face in `box` as MTCNN sees it, or None if it sees none there."""
    sides = box[2:] - box[:2]
    first = np.maximum(np.floor(box[:2] - MARGIN * sides), 0).astype(int)
    last = np.minimum(np.ceil(box[2:] + MARGIN * sides), picture.size).astype(int)
    region = picture.crop((*first.tolist(), *last.tolist()))
    found = [
        face._replace(box=face.box + np.tile(first, 2), landmarks=face.landmarks + first)
        for face in find_faces(detector, region, SHARE * min(sides), REGION)
    ]
    best = max(found, key=lambda face: intersection_over_union(face.box.tolist(), box.tolist()), default=None)
    return best if best and intersection_over_union(best.box.tolist(), box.tolist()) >= OVERLAP else None
