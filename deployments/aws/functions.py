"""An image as a Lambda function: called by alias, within its concurrency, repeated where that is worth it."""

import base64
import json
import re
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import botocore.exceptions as failures

from containers.common.image import image as image_settings
from deployments.aws.errors import CallFailed, FunctionFailed, Passing
from deployments.aws.repeat import repeat
from deployments.aws.settings import AwsSettings
from deployments.aws.slots import Slots

MARGIN_S = 60  # on top of an image's own time-out: AWS's cold start and the way back
# A second try meets these again although they are server errors (API reference of Invoke).
LASTING = {
    "EC2AccessDeniedException",
    "InvalidRuntimeException",
    "InvalidSecurityGroupIDException",
    "InvalidSubnetIDException",
    "InvalidZipFileException",
    "KMSAccessDeniedException",
    "KMSDisabledException",
    "KMSInvalidStateException",
    "KMSNotFoundException",
}
# An image that was not called for weeks has to be optimised again ("Lambda function states" in the guide):
# until then, minutes, calls are refused with a conflict.
WAKING = {"ResourceConflictException", "ResourceNotReadyException"}
_REPORT = {
    "seconds": (r"Billed Duration: ([\d.]+) ms", 1e-3),
    "duration": (r"\tDuration: ([\d.]+) ms", 1e-3),
    "memory": (r"Max Memory Used: (\d+) MB", 1 << 20),
}


@dataclass
class Done:
    """An answer and what it took: billed seconds, peak memory in bytes."""

    answer: dict[str, Any]
    seconds: float
    memory: int = 0


class Functions:
    """Safe to use from many threads; `client` is boto3's for Lambda."""

    def __init__(self, client: Any, settings: AwsSettings) -> None:
        self._client = client
        self._settings = settings
        self._slots: dict[str, Slots] = {}
        self._lock = threading.Lock()

    def call(self, image: str, payload: dict[str, Any]) -> Done:
        """Blocks until the function has answered. A call may be repeated: it has to be idempotent.

        Raises FunctionFailed with the image's own error, CallFailed when AWS could not make the call.
        """
        body = json.dumps(payload).encode()
        slots = self._slots_of(image)
        ticket = slots.ticket()

        def once() -> Done:
            with slots.taken(ticket):  # not held while waiting to try again
                return self._invoke(image, body)

        return repeat(once, f"Calling image '{image}'", self._settings.patience_s)

    def _slots_of(self, image: str) -> Slots:
        with self._lock:
            if image not in self._slots:
                self._slots[image] = Slots(self._settings.limit(image))
            return self._slots[image]

    def _invoke(self, image: str, body: bytes) -> Done:
        function, alias = self._settings.name(image), self._settings.alias
        started = time.monotonic()
        try:
            response = self._client.invoke(
                FunctionName=function, Qualifier=alias, Payload=body, LogType="Tail"
            )
            content = response["Payload"].read()
        except failures.ClientError as error:
            raise _refusal(image, f"{function}:{alias}", error) from None
        except (failures.HTTPClientError, failures.ConnectionError) as error:
            raise Passing(str(error)) from None
        except failures.BotoCoreError as error:
            raise CallFailed(f"Image '{image}' cannot be called: {str(error).rstrip('.')}.") from error
        report = base64.b64decode(response.get("LogResult", "")).decode(errors="replace")
        if "FunctionError" in response:
            raise _failure(function, json.loads(content), report)
        took = {name: _find(name, report) for name in _REPORT}
        seconds = took["seconds"] or took["duration"] or time.monotonic() - started
        return Done(json.loads(content), seconds, int(took["memory"]))


def read_timeout(images: list[str]) -> float:
    """Seconds that boto3 has to wait for the slowest of these images."""
    return max(image_settings(name).timeout_s for name in images) + MARGIN_S


def _refusal(image: str, function: str, error: failures.ClientError) -> Exception:
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in WAKING:
        return Passing(message, throttled=True)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and code not in LASTING:
        return Passing(message)
    if code == "ResourceNotFoundException":
        return CallFailed(f"There is no function {function} for image '{image}' in this account and region.")
    return CallFailed(f"Image '{image}' refuses the call: {message.rstrip('.')}.")


def _failure(function: str, error: dict[str, Any], report: str) -> Exception:
    kind, message = error.get("errorType", ""), error.get("errorMessage", "")
    timed_out = "timed out" in message.lower()
    # Of a cold start the next call is spared what this one had no time left for.
    if timed_out and re.search(r"Init timed out|INIT_REPORT|Init Duration", f"{message}\n{report}"):
        return Passing(message)
    return FunctionFailed(kind, message, f"CloudWatch's /aws/lambda/{function}")


def _find(name: str, report: str) -> float:
    pattern, unit = _REPORT[name]
    found = re.search(pattern, report)
    return float(found[1]) * unit if found else 0.0
