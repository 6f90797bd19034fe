"""Metrics in CloudWatch's embedded format (EMF), by AWS Lambda Powertools: namespace Mediaflow, by image.

What CloudWatch makes of them: the dashboard and the memory alarm of deployments/aws.
"""

import resource
import sys
from functools import cache
from typing import Any

NAMESPACE = "Mediaflow"


def put_call(image: str, values: dict[str, tuple[float, str]], request_id: str | None) -> None:
    """One line on standard output: `{metric: (value, unit)}` of one call, dimension `image`."""
    metrics = _metrics(image)
    for name, (value, unit) in values.items():
        metrics.add_metric(name=name, unit=unit, value=value)
    if request_id:
        metrics.add_metadata("request_id", request_id)
    metrics.flush_metrics()


def put_error(image: str, kind: str) -> None:
    """Counts an error twice: of the image, and of the image by the error's type."""
    from aws_lambda_powertools.metrics import MetricUnit, single_metric

    for dimensions in ({"image": image}, {"image": image, "error": kind}):
        with single_metric(name="errors", unit=MetricUnit.Count, value=1, namespace=NAMESPACE) as metric:
            for name, value in dimensions.items():
                metric.add_dimension(name=name, value=value)


def peak_memory() -> int:
    """The most bytes of memory that this process has had resident."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@cache
def _metrics(image: str) -> Any:
    from aws_lambda_powertools import Metrics

    metrics = Metrics(namespace=NAMESPACE)
    metrics.set_default_dimensions(image=image)
    return metrics
