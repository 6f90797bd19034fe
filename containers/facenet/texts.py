"""Texts as vectors: what was said, and what somebody looks for.

In this image, since SigLIP's texts are compared with the pictures that it embeds.
"""

import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from containers.common.errors import UserError
from containers.common.models.store import open_model
from containers.common.runtime.handler import Stopwatch
from containers.facenet.contract import SENTENCES, SIGLIP, TextRequest, TextResult
from containers.facenet.networks import load_network

LONGEST = 512  # tokens that E5 was trained on
SIGLIP_LONGEST = 64

Vectors = NDArray[np.float32]


def read(request: TextRequest, stopwatch: Stopwatch) -> TextResult:
    """A vector for every text, `batch_size` of like length at a time."""
    if request.model not in (SENTENCES, SIGLIP):
        raise UserError(f"'{request.model}' does not read texts: choose {SENTENCES} or {SIGLIP}.")
    started = time.perf_counter()
    folder, ref = open_model(request.model)
    loaded = load_reader(folder)
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
def load_reader(folder: Path) -> tuple[Any, Any]:
    """A network and its tokenizer, as transformers load them from the folder alone."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True), load_network(folder)


def embed_sentences(loaded: tuple[Any, Any], texts: list[str]) -> Vectors:
    """The mean of each text's tokens, L2-normalised, shape (texts, 384).

    Wang et al., "Multilingual E5 Text Embeddings: A Technical Report", 2024.
    """
    import torch

    tokenizer, network = loaded
    given = tokenizer(texts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
    with torch.inference_mode():
        tokens = network(**given).last_hidden_state
        mask = given["attention_mask"].unsqueeze(-1)
        return torch.nn.functional.normalize((tokens * mask).sum(1) / mask.sum(1)).numpy()


def embed_descriptions(loaded: tuple[Any, Any], texts: list[str]) -> Vectors:
    """SigLIP's text tower, L2-normalised, shape (texts, 768): padded to 64 tokens, as it was trained."""
    import torch

    tokenizer, network = loaded
    given = tokenizer(
        texts, padding="max_length", truncation=True, max_length=SIGLIP_LONGEST, return_tensors="pt"
    )
    with torch.inference_mode():
        return torch.nn.functional.normalize(network.text_model(**given).pooler_output).numpy()
