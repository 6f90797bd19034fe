"""Structured logs by AWS Lambda Powertools: JSON lines on standard error.

Never media content, tokens or signed URLs.
"""

import json
import logging
import sys
from functools import cache
from typing import Any

from containers.common.runtime.redact import redact


@cache
def logger(image: str) -> Any:
    """The image's Logger: CloudWatch Logs Insights queries its fields."""
    from aws_lambda_powertools import Logger  # 50 ms that importing a handler for its contract is spared

    return Logger(
        service=f"mediaflow-{image}",  # also the logger's name, which a library may have taken
        location=None,
        stream=sys.stderr,
        json_serializer=_serialize,
        utc=True,
        use_rfc3339=True,
    )


def log_event(level: int, event: str, image: str, **fields: Any) -> None:
    """Writes `{"event": ..., "model": image, **fields}` and Powertools' own keys; None is left out."""
    present = {name: value for name, value in fields.items() if value is not None}
    logger(image).log(level, event, extra={"event": event, "model": image, **present})


def readable_size(count: int) -> str:
    """Bytes as people write them: `10MB`, in steps of 1000."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.0f}{unit}" if size >= 10 or unit == "B" else f"{size:.1f}{unit}"
        size /= 1000
    return f"{size:.1f}GB"


def _serialize(record: dict[str, Any]) -> str:
    return redact(json.dumps(record, ensure_ascii=False, default=str))


INFO, ERROR, WARNING = logging.INFO, logging.ERROR, logging.WARNING
