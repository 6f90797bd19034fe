"""Faces of a picture that is searched for, found as those of an analysis are."""

from pathlib import Path

from containers.faceapi.contract import DetectRequest, DetectResult, PictureFaces
from tasks.calls.invoke import invoke

DESCRIBES = "faceapi"  # the model whose descriptors are vectors of faces themselves


def find_faces(uri: str, folder: Path) -> PictureFaces:
    """In the picture at `uri`; `folder` takes the answer. Raises UserError."""
    request = DetectRequest(images=[uri], result_uri=(folder / "faces.json").as_uri())
    (seen,) = invoke("faceapi", request, DetectResult).value.images
    return seen
