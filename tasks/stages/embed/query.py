"""A face that is searched for, embedded as the faces of an analysis are."""

from pathlib import Path

from containers.common.errors import UserError
from containers.common.media.box import Box
from containers.facenet.choice import EMBEDDERS
from containers.facenet.contract import EmbedRequest, EmbedResult, Picture
from tasks.calls.invoke import invoke
from tasks.stages.detect.query import DESCRIBES

FACES = [*EMBEDDERS, DESCRIBES]  # what may have made an index, the better first


def embed_face(uri: str, box: Box, model: str, folder: Path) -> list[float]:
    """By `model`, of the face in `box` of the picture at `uri`; `folder` takes the answer.

    Raises UserError.
    """
    request = EmbedRequest(
        model=model,
        images=[Picture(image=uri, boxes=[box])],
        result_uri=(folder / "embeddings.json").as_uri(),
    )
    (face,) = invoke("facenet", request, EmbedResult).value.images[0].faces
    if face.embedding is None:
        raise UserError("There is no network to embed faces with.")
    return face.embedding
