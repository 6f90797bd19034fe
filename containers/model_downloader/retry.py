"""Which failures of a request are worth another try, and when."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

import httpx

from containers.common.errors import UserError

Value = TypeVar("Value")
ATTEMPTS = 6
FIRST_PAUSE = 0.5  # seconds, doubled every time, with full jitter


def retrying(request: Callable[[], Value]) -> Value:
    """Calls `request` until it succeeds, at most six times.

    Broken connections, 429 and 5xx are tried again; anything else is final. Raises UserError.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return request()
        except (httpx.TransportError, httpx.HTTPStatusError) as error:
            if attempt == ATTEMPTS or not _may_pass(error):
                raise UserError(_sentence(error)) from error
            time.sleep(random.uniform(0, FIRST_PAUSE * 2**attempt))
    raise AssertionError("unreachable")


def _may_pass(error: httpx.HTTPError) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code == 429 or error.response.status_code >= 500
    return True


def _sentence(error: httpx.HTTPError) -> str:
    host = error.request.url.host
    if isinstance(error, httpx.HTTPStatusError):
        return f"{host} answers {error.response.status_code} for {error.request.url.path}."
    return f"{host} cannot be reached: {error or type(error).__name__}."
