"""Whether a version does what it should: smoke requests to it alone, and the image's alarms."""

import json
import time
from collections.abc import Callable, Collection
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


def ringing(client: Any, prefix: str) -> dict[str, str]:
    """Alarms in ALARM whose names begin with `prefix`, with the reason that CloudWatch gives."""
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix, StateValue="ALARM")
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"] if alarm["StateValue"] == "ALARM"]
    return {alarm["AlarmName"]: alarm.get("StateReason") or "no reason is given" for alarm in alarms}


def watch_alarms(
    client: Any,
    prefix: str,
    seconds: float,
    every: float = 15,
    sleep: Callable[[float], None] = time.sleep,
    before: Collection[str] = (),
) -> None:
    """Looks at the alarms whose names begin with `prefix` for so long. Raises ReleaseStopped at the first.

    `before` rang before the release: the release may mend it, so it counts only if it was silent meanwhile.
    """
    known = set(before)
    deadline = time.monotonic() + seconds
    while True:
        now = ringing(client, prefix)
        for name, reason in now.items():
            if name not in known:
                raise ReleaseStopped(f"alarm {name} rings ({reason.rstrip('.')}).")
        known &= now.keys()
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
