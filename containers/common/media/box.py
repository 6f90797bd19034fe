"""Where something is in a picture."""

from containers.common.contract import Contract


class Box(Contract):
    """Pixels of the picture, from its top left corner."""

    x: float
    y: float
    width: float
    height: float
