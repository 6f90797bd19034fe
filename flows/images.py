"""Where the images of a run answer: on this machine, unless a Lambda endpoint is configured."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from deployments.local import LocalEndpoint

ENDPOINT = "AWS_ENDPOINT_URL_LAMBDA"  # boto3 reads it too
_running: list[LocalEndpoint] = []


@contextmanager
def running_images() -> Iterator[LocalEndpoint | None]:
    """Starts the local endpoint unless one is running already or `AWS_ENDPOINT_URL_LAMBDA` names another.

    Its workers end with the block. Yields None when the images run elsewhere.
    """
    if _running:
        yield _running[0]
        return
    if os.environ.get(ENDPOINT):
        yield None
        return
    with LocalEndpoint() as endpoint:
        _running.append(endpoint)
        os.environ[ENDPOINT] = endpoint.url
        try:
            yield endpoint
        finally:
            _running.remove(endpoint)
            os.environ.pop(ENDPOINT, None)
