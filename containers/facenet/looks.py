"""Whole pictures as vectors, so that a still finds its look-alikes (specification 8.4).

In this image, since it is the one that takes pictures in and gives vectors out, with torch beside it.
"""

import io
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from containers.common import storage
from containers.common.errors import UserError
from containers.common.models.store import has_model, open_model
from containers.common.runtime.handler import Stopwatch
from containers.facenet.contract import DINOV2, PHASH, SIGLIP, LookRequest, LookResult, SeenPicture
from containers.facenet.networks import load_network
from containers.facenet.pictures import name_of, open_picture

HASH_SIDE = 16  # the hash has its square of bits
THUMBNAIL = (320, 320)  # pixels at most

Vectors = NDArray[np.float32]


def look(request: LookRequest, stopwatch: Stopwatch) -> LookResult:
    """A vector, and where asked for a thumbnail, for every picture; `batch_size` pictures in memory."""
    chosen = request.model or (DINOV2 if has_model(DINOV2) else PHASH)
    if chosen not in (DINOV2, SIGLIP, PHASH):
        raise UserError(f"'{chosen}' does not look at whole pictures: choose {DINOV2}, {SIGLIP} or {PHASH}.")
    network: Any = None
    if chosen != PHASH:
        started = time.perf_counter()
        folder, ref = open_model(chosen)
        network = load_viewer(folder)
        stopwatch.used(ref)
        stopwatch.loaded(time.perf_counter() - started)
    result = LookResult(images=[], model=chosen)
    for first in range(0, len(request.images), request.batch_size):
        uris = request.images[first : first + request.batch_size]
        pictures = [open_picture(uri) for uri in uris]
        vectors = hash_pictures(pictures) if network is None else embed_pictures(network, pictures)
        thumbnails = _save_thumbnails(uris, pictures, request.thumbnails_uri)
        result.images += [
            SeenPicture(image=uri, vector=vector.tolist(), thumbnail=thumbnail)
            for uri, vector, thumbnail in zip(uris, vectors, thumbnails, strict=True)
        ]
    return result


def hash_pictures(pictures: list[Image.Image]) -> Vectors:
    """Perceptual hashes as unit vectors (pictures, 256): `1 - 2 d / 256` is the cosine at Hamming distance d.

    The signs of the low frequencies of a 64 x 64 grey picture against their median (imagehash's phash, after
    https://www.hackerfactor.com/blog/index.php?/archives/432-Looks-Like-It.html): sizes, codecs and mild
    changes of colour leave them as they are; cuts, mirroring and turning do not.
    """
    from imagehash import phash

    bits = np.stack([phash(picture, HASH_SIDE).hash.ravel() for picture in pictures])
    return np.where(bits, 1 / HASH_SIDE, -1 / HASH_SIDE).astype(np.float32)


@cache
def load_viewer(folder: Path) -> tuple[Any, Any]:
    """DINOv2 or SigLIP and its image processor, as transformers load them from the folder alone.

    Oquab et al., "DINOv2: Learning Robust Visual Features without Supervision", 2023.
    Zhai et al., "Sigmoid Loss for Language Image Pre-Training", 2023.
    """
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True, use_fast=False)
    return processor, load_network(folder)


def embed_pictures(loaded: tuple[Any, Any], pictures: list[Image.Image]) -> Vectors:
    """DINOv2's class token or SigLIP's picture of each, L2-normalised (pictures, 768), as one batch."""
    import torch

    processor, network = loaded
    with torch.inference_mode():
        pixels = processor(pictures, return_tensors="pt")
        seen = getattr(network, "vision_model", network)(**pixels).pooler_output  # SigLIP has two towers
        return torch.nn.functional.normalize(seen).numpy()


def _save_thumbnails(
    uris: list[str], pictures: list[Image.Image], prefix: str | None
) -> Iterator[str | None]:
    for uri, picture in zip(uris, pictures, strict=True):
        if prefix is None:
            yield None
            continue
        content = io.BytesIO()
        picture.thumbnail(THUMBNAIL)
        picture.save(content, "JPEG", quality=80)
        target = storage.join(prefix, f"{quote(Path(name_of(uri)).stem)}.jpg")
        storage.write_bytes(target, content.getvalue(), durable=False)
        yield target
