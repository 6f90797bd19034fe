"""Structured logs: one JSON object a line on standard error, never media content, tokens or signed URLs."""

import json
import logging
import sys
from typing import Any

logger = logging.getLogger("mediaflow")


def log_event(level: int, event: str, **fields: Any) -> None:
    """Writes `{"event": ..., **fields}`; CloudWatch Logs Insights queries its fields."""
    if not logger.handlers:
        stream = logging.StreamHandler(sys.stderr)
        stream.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(stream)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    present = {name: value for name, value in fields.items() if value is not None}
    logger.log(level, json.dumps({"event": event, **present}, ensure_ascii=False, default=str))
