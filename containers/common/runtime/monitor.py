"""What one call leaves in logs, metrics and, where that is wanted, a trace."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from containers.common import storage
from containers.common.contract import ModelRef
from containers.common.errors import UserError
from containers.common.runtime import metrics
from containers.common.runtime.log import ERROR, INFO, WARNING, log_event, readable_size
from containers.common.runtime.redact import redacted
from containers.common.runtime.trace import traced

_warm = False


class Measured(Protocol):
    """What a call's stopwatch knows."""

    models: dict[str, ModelRef]
    load_seconds: float
    media_seconds: float


class Call:
    """One invocation; `stopwatch` is None while no work has begun, as for a refused or repeated request."""

    def __init__(self, event: Any, context: Any) -> None:
        global _warm
        self.started = time.perf_counter()
        self.stopwatch: Measured | None = None
        self.request_id: str | None = getattr(context, "aws_request_id", None)
        asset = event.get("asset_id") if isinstance(event, dict) else None
        self.asset_id = asset if isinstance(asset, str) else None
        self.cold, _warm = not _warm, True
        self._read_before = storage.bytes_read()

    @property
    def ids(self) -> dict[str, str | None]:
        return {"request_id": self.request_id, "asset_id": self.asset_id}

    @property
    def seconds(self) -> float:
        """Since the call began, loading left out."""
        return time.perf_counter() - self.started - (self.stopwatch.load_seconds if self.stopwatch else 0)

    @property
    def bytes_read(self) -> int:
        return storage.bytes_read() - self._read_before


@contextmanager
def monitored(image: str, event: Any, context: Any) -> Iterator[Call]:
    """Measures the block, and takes secrets out of what it raises."""
    call = Call(event, context)
    try:
        with traced(image) as annotations:
            yield call
            annotations |= {"cold_start": call.cold, "asset_id": call.asset_id or ""}
    except Exception as error:  # noqa: BLE001 - counted, and raised again
        told = redacted(error)
        _fail(image, call, told)
        raise told from (error.__cause__ if told is error else None)
    _finish(image, call)


def _finish(image: str, call: Call) -> None:
    watch, duration = call.stopwatch, call.seconds
    values = {
        "duration": (duration, "Seconds"),
        "peak_memory": (metrics.peak_memory(), "Bytes"),
        "cold_start": (int(call.cold), "Count"),
    }
    fields: dict[str, Any] = {"duration": round(duration, 3)}
    if watch:
        fields |= {"models": list(watch.models), "load": round(watch.load_seconds, 3)}
        if watch.load_seconds:
            values["model_load_time"] = (watch.load_seconds, "Seconds")
        if watch.media_seconds:
            factor = duration / watch.media_seconds
            values["real_time_factor"] = (factor, "None")
            fields |= {"media_seconds": round(watch.media_seconds, 3), "real_time_factor": round(factor, 4)}
    size = {"input_size": readable_size(call.bytes_read), "input_bytes": call.bytes_read}
    name = "model_inference" if watch else "answer_repeated"
    log_event(INFO, name, image, **fields, **size, cold_start=call.cold, **call.ids)
    metrics.put_call(image, values, call.request_id)


def _fail(image: str, call: Call, error: Exception) -> None:
    """What the caller can mend is a warning; a defect is an error, its traceback in the runtime's own log."""
    level = WARNING if isinstance(error, UserError) else ERROR
    details = {"error": type(error).__name__, "reason": str(error), "duration": round(call.seconds, 3)}
    log_event(level, "model_error", image, **details, cold_start=call.cold, **call.ids)
    metrics.put_error(image, type(error).__name__)
