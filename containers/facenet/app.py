"""The facenet image: faces confirmed and aligned by MTCNN, and embedded when a network for it is there.

Whole pictures and texts become vectors here too.
"""

import io
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from PIL import Image

from containers.common import storage
from containers.common.errors import UserError
from containers.common.media.box import Box
from containers.common.models.store import open_model
from containers.common.runtime.handler import Stopwatch, make_handler
from containers.facenet import detector, embedder, looks, texts
from containers.facenet.choice import choose_embedder
from containers.facenet.contract import (
    AlignedFace,
    AlignedPicture,
    EmbedderName,
    EmbedRequest,
    EmbedResult,
    FacenetRequest,
    LookRequest,
    LookResult,
    Picture,
    TextRequest,
    TextResult,
)
from containers.facenet.embedders import Embedder, load_embedder
from containers.facenet.pictures import name_of, open_picture

MTCNN = "mtcnn"


def serve(
    request: EmbedRequest | LookRequest | TextRequest, stopwatch: Stopwatch
) -> EmbedResult | LookResult | TextResult:
    if isinstance(request, LookRequest):
        return looks.look(request, stopwatch)
    if isinstance(request, TextRequest):
        return texts.read(request, stopwatch)
    return embed(request, stopwatch)


def embed(request: EmbedRequest, stopwatch: Stopwatch) -> EmbedResult:
    """Faces of every picture with crops and embeddings, as far as they are asked for and possible."""
    chosen = choose_embedder(request.model)
    mtcnn, network = _load(chosen, stopwatch)
    result = EmbedResult(images=[], embedding_model=chosen)
    pending: list[tuple[AlignedFace, Image.Image]] = []
    count: Counter[str] = Counter()
    for asked in request.images:
        picture = open_picture(asked.image)
        answered = AlignedPicture(image=asked.image, faces=[])
        result.images.append(answered)
        for found in _find(mtcnn, picture, asked, request):
            face = _describe(found)
            answered.faces.append(face)
            crop = embedder.crop_face(picture, found.box)
            if request.crops_uri:
                stem = Path(name_of(asked.image)).stem
                face.crop = _save(crop, request.crops_uri, f"{stem}-{count[stem]}.jpg")
                count[stem] += 1
            if network:
                pending.append((face, network.cut(picture, found, crop)))
                if len(pending) == request.batch_size:
                    _embed(network, pending)
    if network and pending:
        _embed(network, pending)
    return result


def _load(chosen: EmbedderName | None, stopwatch: Stopwatch) -> tuple[Any, Embedder | None]:
    started = time.perf_counter()
    folder, ref = open_model(MTCNN)
    mtcnn = detector.load_detector(folder)
    stopwatch.used(ref)
    network = None
    if chosen:
        folder, ref = open_model(chosen)
        network = load_embedder(chosen, folder)
        stopwatch.used(ref)
    stopwatch.loaded(time.perf_counter() - started)
    return mtcnn, network


def _find(
    mtcnn: Any, picture: Image.Image, asked: Picture, request: EmbedRequest
) -> Iterator[detector.LocatedFace]:
    if asked.boxes is None:
        found = detector.find_faces(mtcnn, picture, request.min_face)
        yield from (face for face in found if face.score >= request.min_confidence)
        return
    for box in asked.boxes:
        corners = np.array([box.x, box.y, box.x + box.width, box.y + box.height])
        corners = np.clip(corners, 0, np.tile(picture.size, 2))
        if min(corners[2:] - corners[:2]) < 1:
            raise UserError(f"A box of {name_of(asked.image)} has no pixel inside the picture.")
        confirmed = detector.confirm_face(mtcnn, picture, corners)
        yield confirmed or detector.LocatedFace(corners, 0, np.zeros((0, 2)))


def _describe(found: detector.LocatedFace) -> AlignedFace:
    left, top, right, bottom = found.box.tolist()
    box = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    return AlignedFace(
        box=Box(**{side: round(value, 2) for side, value in box.items()}),
        score=found.score,
        landmarks=found.landmarks.round(2).tolist(),
    )


def _save(crop: Image.Image, prefix: str, name: str) -> str:
    content = io.BytesIO()
    crop.save(content, "JPEG", quality=95)
    uri = storage.join(prefix, quote(name))
    storage.write_bytes(uri, content.getvalue(), durable=False)
    return uri


def _embed(network: Embedder, faces: list[tuple[AlignedFace, Image.Image]]) -> None:
    """Gives each face its embedding and empties the list."""
    vectors = network.embed([seen for _, seen in faces])
    for (face, _), vector in zip(faces, vectors, strict=True):
        face.embedding = vector.tolist()
    faces.clear()


handler = make_handler("facenet", FacenetRequest, serve)
