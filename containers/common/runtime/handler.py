"""From a plain function to `handler(event, context)` as AWS Lambda calls it."""

import json
import time
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from containers.common import storage
from containers.common.contract import Answer, ModelRef
from containers.common.errors import UserError
from containers.common.runtime.monitor import Call, monitored

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class Stopwatch:
    """Collects, during one call, which models answered, how long loading took and how long the media is."""

    def __init__(self) -> None:
        self.models: dict[str, ModelRef] = {}
        self.load_seconds = 0.0
        self.media_seconds = 0.0

    def used(self, *models: ModelRef) -> None:
        self.models.update({model.id: model for model in models})

    def loaded(self, seconds: float) -> None:
        self.load_seconds += seconds

    def covered(self, seconds: float) -> None:
        """Length of the sound that was worked on, for the real-time factor."""
        self.media_seconds += seconds


def make_handler(image: str, request_type: Any, serve: Callable[[Any, Stopwatch], BaseModel]) -> Handler:
    """Wraps `serve(request, stopwatch) -> result` with validation, storage of the result and monitoring.

    `request_type` is a pydantic model or a union of them. A UserError keeps its one sentence and
    travels to the caller as the Lambda error's `errorMessage`.
    """
    requests: TypeAdapter = TypeAdapter(request_type)

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        with monitored(image, event, context) as call:
            try:
                request = requests.validate_python(event)
            except ValidationError as error:
                raise UserError(f"{image} refuses the request: {_sentence(error)}.") from None
            if request.answer_uri and (given := storage.read_tagged(request.answer_uri)):
                return json.loads(given[0])
            return _answer(request, serve, call)

    return handler


def _answer(request: Any, serve: Callable[[Any, Stopwatch], BaseModel], call: Call) -> dict[str, Any]:
    stopwatch = call.stopwatch = Stopwatch()
    result = serve(request, stopwatch)
    answer: Answer = Answer(models=list(stopwatch.models.values()), load_seconds=stopwatch.load_seconds)
    if request.result_uri:
        storage.write_bytes(request.result_uri, result.model_dump_json(exclude_none=True).encode())
        answer.result_uri = request.result_uri
    else:
        answer.result = result
    answer.compute_seconds = time.perf_counter() - call.started - stopwatch.load_seconds
    content = answer.model_dump(mode="json", exclude_none=True, serialize_as_any=True)
    if request.answer_uri:
        storage.replace_tagged(request.answer_uri, json.dumps(content).encode(), None)
    return content


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the request"
    return f"{where}: {first['msg']}"
