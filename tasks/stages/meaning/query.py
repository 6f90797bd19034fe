"""A question in words, as the vectors of sentences and of pictures are compared with."""

from containers.facenet.contract import SENTENCES, SIGLIP, TextRequest, TextResult
from tasks.calls.invoke import invoke

__all__ = ["EMBEDS", "SENTENCES", "SIGLIP", "embed_question"]

EMBEDS = "facenet"  # the image


def embed_question(text: str, model: str) -> list[float]:
    """By SENTENCES or by SIGLIP, L2-normalised. Raises UserError."""
    request = TextRequest(action="text", texts=[text], model=model, asked=True)
    return invoke(EMBEDS, request, TextResult).value.vectors[0]
