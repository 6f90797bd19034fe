"""What is asked of an evaluation, looked at before a notebook is started: its model and its options."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError

from containers.audioset.contract import TagRequest
from containers.audioset.taggers import choose_tagger
from containers.common.errors import UserError
from containers.deepfilternet.contract import DenoiseRequest
from containers.faceapi.contract import DetectRequest
from containers.facenet.choice import choose_embedder
from containers.whisperx.choice import check_models
from tasks.evaluation.analysis import CHAINS, Analysed, options_of
from tasks.evaluation.run import Kind
from tasks.evaluation.search import SearchOptions
from tasks.evaluation.speed import IMAGES, SpeedOptions
from tasks.stages.registry import STAGES

SOUND = "file:///sound.wav"  # of a request that is never sent


def check_asked(kind: Kind, model: str, options: Mapping[str, Any]) -> None:
    """Raises UserError for a model or an option that this kind has not, in one sentence.

    Whether the store has the model, and whether FAISS knows a type of index, their images say.
    """
    try:
        if kind in get_args(Analysed):
            chosen = options_of(kind, model, options)  # type: ignore[arg-type]
            for stage in CHAINS[kind]:  # type: ignore[index]
                STAGES[stage].weights(chosen)
        elif kind == "tagging":
            asked = {"model": None if model == "auto" else model} | dict(options)
            request = TagRequest.model_validate({"audio": SOUND} | asked)
            choose_tagger(request.mode, request.model)
        elif kind == "denoising":
            DenoiseRequest.model_validate(
                {"audio": SOUND, "audio_uri": SOUND, "engine": model} | dict(options)
            )
        elif kind == "faces":
            asked = {"detector": "ssd" if model == "auto" else model} | dict(options)
            choose_embedder(asked.pop("face_model", None))
            DetectRequest.model_validate({"images": [SOUND]} | asked)
        elif kind == "search":
            SearchOptions.model_validate(dict(options))
        else:
            if unknown := set(SpeedOptions.model_validate(dict(options)).images) - set(IMAGES):
                raise UserError(f"'{min(unknown)}' is not timed here: choose from {', '.join(IMAGES)}.")
            check_models(model, {}, "transcribe", None)
    except ValidationError as error:
        first = error.errors()[0]
        name = " ".join(map(str, first["loc"])) or "options"
        raise UserError(f"{name}: {first['msg'].removeprefix('Value error, ')}.") from None
