"""One run's way to the images on AWS."""

import json
import uuid
from typing import Any

from containers.common import storage
from containers.common.image import image as image_settings
from deployments.aws.costs import Costs, Ledger, read_prices
from deployments.aws.functions import Functions
from deployments.aws.route import choose
from deployments.aws.settings import AwsSettings
from deployments.aws.staging import Staging
from deployments.aws.tasks import Tasks


class AwsEndpoint:
    """A context manager for one run: inside it `call` answers; after it its tasks and files are gone.

    `media_seconds` is what the route from Lambda to ECS is chosen by; `run` names the run's ECS tasks.
    """

    def __init__(
        self, functions: Functions, ecs: Any, settings: AwsSettings, media_seconds: float, run: str
    ) -> None:
        self._settings = settings
        self._functions = functions
        self._media_seconds = media_seconds
        self._tasks = Tasks(ecs, settings, run)
        self._ledger = Ledger(read_prices(settings.prices))
        self._staging = Staging(storage.join(settings.work, str(uuid.uuid4())))

    def __enter__(self) -> "AwsEndpoint":
        return self

    def __exit__(self, *_: object) -> None:
        self._tasks.stop_all()
        self._staging.close()

    def call(self, image: str, request: dict[str, Any]) -> dict[str, Any]:
        """The image's answer, its result in it and its files brought to this machine.

        Raises FunctionFailed with the image's own error, CallFailed when AWS could not make the call and
        StorageError when files could not be moved.
        """
        settings = image_settings(image)
        where = choose(settings, request, self._media_seconds)
        request_id = uuid.uuid4().hex
        trip = self._staging.trip(image, request_id, request)
        if where == "lambda":
            done = self._functions.call(image, trip.payload)
        else:
            done = self._tasks.call(image, request_id, trip.payload, trip.folder)
        self._ledger.add(settings, where, done.seconds, done.memory)
        answer = done.answer
        if uri := answer.pop("result_uri", None):
            answer["result"] = json.loads(storage.read_bytes(uri))
        return trip.bring_back(answer)

    def peak_memory(self) -> dict[str, int]:
        """Highest memory of each image, in bytes, where Lambda reported it."""
        return self._ledger.peak_memory()

    def costs(self) -> Costs:
        """What this run's calls are going to cost."""
        return self._ledger.costs()
