"""Face crops and, where the store has a network for it, their 512-d embeddings; whole pictures; texts."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from containers.common.contract import Contract, Request, Score
from containers.common.media.box import Box

DINOV2, PHASH = "dinov2-base", "phash-256"  # what whole pictures are embedded by
SIGLIP = "siglip-base"  # pictures and texts in one space
SENTENCES = "multilingual-e5-small"  # texts alone

EmbedderName = Literal["auto", "facenet-vggface2", "auraface"]


class Picture(Contract):
    image: str = Field(description="URI of the picture")
    boxes: list[Box] | None = Field(
        None, description="faces already found; without them MTCNN searches the whole picture"
    )


class AlignedFace(Contract):
    """`box` and `landmarks` are MTCNN's; where it does not confirm a given box, score is 0."""

    box: Box
    score: Score
    landmarks: list[tuple[float, float]] = Field(default=[], description="eyes, nose, mouth corners; pixels")
    crop: str | None = Field(default=None, description="URI of the 160 x 160 aligned face, JPEG")
    embedding: list[float] | None = Field(
        default=None, description="512-d, L2-normalised: cosine is the dot product"
    )


class AlignedPicture(Contract):
    image: str
    faces: list[AlignedFace]


class EmbedResult(Contract):
    """One entry per requested picture, faces in the order of the given boxes."""

    images: list[AlignedPicture]
    embedding_model: str | None = Field(
        default=None,
        description="of what made the vectors; None when the store has no such model",
    )


class EmbedRequest(Request):
    action: Literal["faces"] = "faces"
    images: list[Picture] = Field(min_length=1)
    model: str | None = Field(
        default=None,
        description="facenet-vggface2 or auraface; when not given the first of them that the store has",
    )
    crops_uri: str | None = Field(default=None, description="prefix that receives <picture name>-<n>.jpg")
    min_confidence: float = Field(default=0.9, gt=0, lt=1, description="of MTCNN's own detections")
    min_face: int = Field(default=20, ge=1, description="pixels")
    batch_size: int = Field(default=32, ge=1)


class LookRequest(Request):
    """Whole pictures to vectors: pictures that look alike have vectors of a high cosine."""

    action: Literal["look"]
    images: list[str] = Field(min_length=1, description="URIs of JPEG, PNG or WebP pictures")
    model: str | None = Field(
        default=None,
        description="dinov2-base, siglip-base or phash-256; when not given DINOv2 where the store has it",
    )
    thumbnails_uri: str | None = Field(default=None, description="prefix that receives <picture name>.jpg")
    batch_size: int = Field(default=16, ge=1)


class SeenPicture(Contract):
    image: str
    vector: list[float] = Field(description="L2-normalised")
    thumbnail: str | None = Field(default=None, description="URI of a JPEG of at most 320 x 320 pixels")


class LookResult(Contract):
    """One entry per requested picture, in the order of the request."""

    images: list[SeenPicture]
    model: str


class TextRequest(Request):
    """Texts to vectors: those of one meaning have vectors of a high cosine, in any language."""

    action: Literal["text"]
    texts: list[str] = Field(min_length=1)
    model: str = Field(description="multilingual-e5-small, or siglip-base for what a picture shows")
    asked: bool = Field(default=False, description="a question that texts answer, not one of these texts")
    batch_size: int = Field(default=32, ge=1)


class TextResult(Contract):
    """One L2-normalised vector per text, in the order of the request."""

    vectors: list[list[float]]
    model: str


def _action(request: Any) -> str:
    return request.get("action", "faces") if isinstance(request, dict) else request.action


FacenetRequest = Annotated[
    Annotated[EmbedRequest, Tag("faces")]
    | Annotated[LookRequest, Tag("look")]
    | Annotated[TextRequest, Tag("text")],
    Discriminator(_action),
]
