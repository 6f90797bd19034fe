"""Whether a version does what it should: smoke requests to it alone, and the image's alarms."""

import json
import time
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from deployments.release.errors import ReleaseStopped


class Smoke(BaseModel):
    """A request, and what the answer has to hold: values by dotted path, or an error's first words."""

    model_config = ConfigDict(extra="forbid")

    request: dict[str, Any] = {}
    expect: dict[str, Any] = Field(default={}, description="e.g. {'result.language': 'ko'}")
    error: str | None = Field(default=None, description="the error's message begins so")


def default_smoke(image: str) -> list[Smoke]:
    """Without a model or a medium: the image starts, its handler is imported and knows its own requests."""
    return [Smoke(error=f"{image} refuses the request: ")]


def run_smoke(client: Any, function: str, version: str, smokes: list[Smoke]) -> None:
    """Raises ReleaseStopped with the first answer that is not as it should be."""
    for number, smoke in enumerate(smokes, 1):
        payload = json.dumps(smoke.request).encode()
        response = client.invoke(FunctionName=function, Qualifier=version, Payload=payload)
        answer = json.loads(response["Payload"].read())
        if wrong := _wrong(smoke, answer, "FunctionError" in response):
            raise ReleaseStopped(f"smoke request {number} of {len(smokes)} {wrong}.")


def watch_alarms(
    client: Any, prefix: str, seconds: float, every: float = 15, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Looks at the alarms whose names begin with `prefix` for so long. Raises ReleaseStopped at the first."""
    deadline = time.monotonic() + seconds
    while True:
        pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix, StateValue="ALARM")
        alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
        ringing = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
        if ringing:
            reason = ringing[0].get("StateReason") or "no reason is given"
            raise ReleaseStopped(f"alarm {ringing[0]['AlarmName']} rings ({reason.rstrip('.')}).")
        if time.monotonic() >= deadline:
            return
        sleep(min(every, max(0.0, deadline - time.monotonic())))


def _wrong(smoke: Smoke, answer: dict[str, Any], failed: bool) -> str | None:
    if failed:
        message = answer.get("errorMessage", "")
        if smoke.error is not None and message.startswith(smoke.error):
            return None
        first = message.partition("\n")[0].rstrip(".")
        return f"failed with {answer.get('errorType')}: {first}"
    if smoke.error is not None:
        return f"was answered where '{smoke.error.strip()}' was expected"
    for path, expected in smoke.expect.items():
        value: Any = answer
        for part in path.split("."):
            value = value[int(part)] if isinstance(value, list) else (value or {}).get(part)
        if value != expected:
            return f"has {value!r} at {path} where {expected!r} was expected"
    return None
