"""Metrics in CloudWatch's embedded format (EMF), by AWS Lambda Powertools: namespace Mediaflow.

Dimensions are the image and the function that it is: Lambda's own name, else MEDIAFLOW_FUNCTION (ECS tasks);
so neither tasks nor another project's functions are taken for it.

What CloudWatch makes of them: the dashboard and the memory alarm of deployments/aws.
"""

import json
import logging
import os
import resource
import sys
from functools import cache

NAMESPACE = "Mediaflow"


def put_call(image: str, values: dict[str, tuple[float, str]], request_id: str | None) -> None:
    """One line on standard error: `{metric: (value, unit)}` of one call."""
    _put(_dimensions(image), values, {"request_id": request_id} if request_id else {})


def put_error(image: str, kind: str) -> None:
    """Counts an error twice: of the image, and of the image by the error's type."""
    for dimensions in (_dimensions(image), _dimensions(image) | {"error": kind}):
        _put(dimensions, {"errors": (1, "Count")}, {})


def peak_memory() -> int:
    """The most bytes of memory that this process has had resident."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _dimensions(image: str) -> dict[str, str]:
    name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME") or os.environ.get("MEDIAFLOW_FUNCTION")
    return {"image": image, "function": name or "local"}


def _put(dimensions: dict[str, str], values: dict[str, tuple[float, str]], metadata: dict[str, str]) -> None:
    """An object of its own each time: images of one process, and threads, share none of Powertools' state."""
    from aws_lambda_powertools.metrics import EphemeralMetrics

    metrics = EphemeralMetrics(
        namespace=NAMESPACE, dimension_set=dimensions, metadata_set=metadata, metric_set={}
    )
    for name, (value, unit) in values.items():
        metrics.add_metric(name=name, unit=unit, value=value)
    # Powertools prints to standard output, which belongs to what a program answers.
    _lines().info(json.dumps(metrics.serialize_metric_set(), separators=(",", ":")))


@cache
def _lines() -> logging.Logger:
    """Bare lines on standard error, which `logging.disable` silences with the log."""
    logger = logging.getLogger("mediaflow-metrics")
    logger.addHandler(logging.StreamHandler(sys.stderr))
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return logger
