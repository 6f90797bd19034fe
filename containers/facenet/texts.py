"""Texts as vectors: what was said, and what somebody looks for.

In this image, since SigLIP's texts are compared with the pictures that it embeds.
"""

import time
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from containers.common.errors import UserError
from containers.common.models.store import open_model
from containers.common.runtime.handler import Stopwatch
from containers.facenet import published
from containers.facenet.contract import SENTENCES, SIGLIP, TextRequest, TextResult
from containers.facenet.encoder import Encoder
from containers.facenet.words import E5Words, SiglipWords, Words

Vectors = NDArray[np.float32]


def read(request: TextRequest, stopwatch: Stopwatch) -> TextResult:
    """A vector for every text, `batch_size` of like length at a time."""
    if request.model not in (SENTENCES, SIGLIP):
        raise UserError(f"'{request.model}' does not read texts: choose {SENTENCES} or {SIGLIP}.")
    started = time.perf_counter()
    folder, ref = open_model(request.model)
    loaded = load_reader(folder, request.model)
    stopwatch.used(ref)
    stopwatch.loaded(time.perf_counter() - started)
    if request.model == SIGLIP:
        texts = request.texts
        embed = embed_descriptions
    else:  # its authors' two words: https://huggingface.co/intfloat/multilingual-e5-small
        texts = [f"{'query' if request.asked else 'passage'}: {text}" for text in request.texts]
        embed = embed_sentences
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))  # so that little is padded
    vectors: dict[int, list[float]] = {}
    for first in range(0, len(order), request.batch_size):
        numbers = order[first : first + request.batch_size]
        found = embed(loaded, [texts[number] for number in numbers])
        vectors |= dict(zip(numbers, found.tolist(), strict=True))
    return TextResult(vectors=[vectors[number] for number in range(len(texts))], model=request.model)


@cache
def load_reader(folder: Path, model: str) -> tuple[Words, Encoder]:
    """What makes tokens of texts, and vectors of tokens, from the folder alone. Raises UserError."""
    if model == SIGLIP:
        encoder = published.read_siglip(folder)
        return SiglipWords(folder, encoder.longest), encoder
    encoder = published.read_e5(folder)
    return E5Words(folder, encoder.longest), encoder


def embed_sentences(loaded: tuple[Words, Encoder], texts: list[str]) -> Vectors:
    """The mean of each text's tokens, L2-normalised, shape (texts, 384).

    Wang et al., "Multilingual E5 Text Embeddings: A Technical Report", 2024.
    """
    words, encoder = loaded
    return _unit(np.stack([tokens.mean(0) for tokens in encoder.encode(words(texts))]))


def embed_descriptions(loaded: tuple[Words, Encoder], texts: list[str]) -> Vectors:
    """SigLIP's text tower, L2-normalised, shape (texts, 768): padded to 64 tokens, as it was trained."""
    words, encoder = loaded
    assert encoder.head
    return _unit(encoder.head(np.stack([tokens[-1] for tokens in encoder.encode(words(texts))])))


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
