"""A picture that is searched for, embedded as the pictures of an analysis are."""

import numpy as np

from containers.facenet.contract import DINOV2, PHASH, LookRequest, LookResult
from tasks.calls.invoke import invoke

PICTURES = [DINOV2, PHASH]  # what may have made an index, the better first


def embed_picture(uri: str, model: str) -> np.ndarray:
    """Of the picture at `uri`, shape (1, dimension). Raises UserError."""
    request = LookRequest(action="look", images=[uri], model=model)
    return np.array([seen.vector for seen in invoke("facenet", request, LookResult).value.images])
