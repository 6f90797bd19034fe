"""X-Ray, only where MEDIAFLOW_TRACING is set: one subsegment a call, with what is worth searching for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@contextmanager
def traced(image: str) -> Iterator[dict[str, Any]]:
    """A block that is one subsegment named as the image; the dict becomes its annotations."""
    annotations: dict[str, Any] = {}
    if not os.environ.get("MEDIAFLOW_TRACING"):
        yield annotations
        return
    with _tracer(image).provider.in_subsegment(name=image) as subsegment:
        try:
            yield annotations
        finally:
            for name, value in annotations.items():
                subsegment.put_annotation(key=name, value=value)


@cache
def _tracer(image: str) -> Any:
    from aws_lambda_powertools import Tracer

    return Tracer(service=image, auto_patch=False)
