"""One item through an image, as the evaluations of pictures, sounds and denoising ask it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from containers.audioset.contract import TagRequest
from containers.audioset.taggers import choose_tagger
from containers.common.documents.faces import Face
from containers.common.documents.sounds import Tags
from containers.deepfilternet.contract import Denoised, DenoiseRequest
from containers.faceapi.contract import DetectRequest, DetectResult
from containers.facenet.choice import choose_embedder
from containers.facenet.contract import EmbedRequest, EmbedResult, Picture
from tasks.calls.invoke import invoke
from tasks.evaluation.dataset import Item
from tasks.evaluation.hypotheses import file_name
from tasks.stages.output import StageOutput

KINDS = ("tagging", "denoising", "faces")
UNSENT = "file:///unsent"  # the media of a request that is only looked at


class TaggedItem(StageOutput):
    tags: Tags


class SeenPicture(StageOutput):
    """`vectors`: one a face, by the model `vectors_by`; empty where it could not tell."""

    faces: list[Face]
    vectors: list[list[float]]
    vectors_by: str


class CleanedItem(StageOutput):
    """`file`: the denoised sound below the run's folder, where it was denoised."""

    applied: bool
    file: str


def check_asked(kind: str, model: str, options: Mapping[str, Any]) -> None:
    """Raises UserError or pydantic's ValidationError for a model or an option that one of KINDS has not."""
    if kind == "tagging":
        asked = {"model": None if model == "auto" else model} | dict(options)
        request = TagRequest.model_validate({"audio": UNSENT} | asked)
        choose_tagger(request.mode, request.model)
    elif kind == "denoising":
        DenoiseRequest.model_validate({"audio": UNSENT, "audio_uri": UNSENT, "engine": model} | dict(options))
    else:
        asked = {"detector": "ssd" if model == "auto" else model} | dict(options)
        choose_embedder(asked.pop("face_model", None))
        DetectRequest.model_validate({"images": [UNSENT]} | asked)


def tag_item(item: Item, model: str, options: Mapping[str, Any]) -> TaggedItem:
    """Every class's score in every window. `options`: those of a TagRequest."""
    request = {"model": None if model == "auto" else model, "threshold": 1e-6, "top_k": 1000} | dict(options)
    answer = invoke("audioset", TagRequest(audio=item.media.as_uri(), **request), Tags)
    return TaggedItem(tags=answer.value, models=answer.models)


def look_at_item(item: Item, options: Mapping[str, Any], vectors_by: str) -> SeenPicture:
    """Every face that scores at least 0.1. `options`: those of a DetectRequest."""
    request = DetectRequest(images=[item.media.as_uri()], min_confidence=0.1, **dict(options))
    answer = invoke("faceapi", request, DetectResult)
    faces = answer.value.images[0].faces
    seen = SeenPicture(
        faces=faces,
        vectors=[face.descriptor for face in faces],
        vectors_by=vectors_by,
        models=answer.models,
    )
    if vectors_by != "faceapi" and faces:
        boxes = [face.detection.box for face in faces]
        asked = EmbedRequest(model=vectors_by, images=[Picture(image=item.media.as_uri(), boxes=boxes)])
        embedded = invoke("facenet", asked, EmbedResult)
        seen.vectors = [face.embedding or [] for face in embedded.value.images[0].faces]
        seen.add_cost(embedded)
    return seen


def clean_item(item: Item, engine: str, options: Mapping[str, Any], run: Path) -> CleanedItem:
    """The denoised sound in `run`/denoised. `options`: those of a DenoiseRequest."""
    file = f"denoised/{file_name(item.id)}.flac"
    uris = {"audio": item.media.as_uri(), "audio_uri": (run / file).as_uri()}
    request = DenoiseRequest.model_validate(uris | {"mode": "on", "engine": engine} | dict(options))
    answer = invoke("deepfilternet", request, Denoised)
    return CleanedItem(applied=answer.value.applied, file=file, models=answer.models)
