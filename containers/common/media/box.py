"""Where something is in a picture, and how much two such places have in common."""

from collections.abc import Sequence

from containers.common.contract import Contract


class Box(Contract):
    """Pixels of the picture, from its top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        return self.x, self.y, self.x + self.width, self.y + self.height


def intersection_over_union(one: Sequence[float], other: Sequence[float]) -> float:
    """Of two boxes, each left, top, right, bottom; 0 where they do not touch."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return float(shared / (areas - shared))
