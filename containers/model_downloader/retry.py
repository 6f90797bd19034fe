"""Which failures of a request are worth another try, and when."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

import httpx

from containers.common.errors import UserError

Value = TypeVar("Value")
ATTEMPTS = 5
FIRST_PAUSE = 1.0  # seconds at most, doubled every time, with full jitter
LONGEST_PAUSE = 60.0  # seconds, when the server asks for more


def retrying(request: Callable[[], Value], progress: Callable[[], int] = lambda: 0) -> Value:
    """Calls `request` until it succeeds or fails five times in a row without `progress()` having grown.

    Broken connections, 429 and 5xx are tried again, after the pause that the server asks for or a random
    one; anything else is final. Raises UserError.
    """
    failures, best = 0, progress()
    while True:
        try:
            return request()
        except httpx.HTTPError as error:
            failures = 1 if progress() > best else failures + 1
            best = max(best, progress())
            if failures == ATTEMPTS or not _may_pass(error):
                raise UserError(_sentence(error)) from error
            time.sleep(_pause(error, failures))


def _may_pass(error: httpx.HTTPError) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code == 429 or error.response.status_code >= 500
    return isinstance(error, httpx.TransportError) and "CERTIFICATE_VERIFY_FAILED" not in str(error)


def _pause(error: httpx.HTTPError, failures: int) -> float:
    if isinstance(error, httpx.HTTPStatusError):
        asked = error.response.headers.get("Retry-After", "")
        if asked.isdecimal():
            return min(float(asked), LONGEST_PAUSE)
    return random.uniform(0, FIRST_PAUSE * 2 ** (failures - 1))


def _sentence(error: httpx.HTTPError) -> str:
    host, why = error.request.url.host, str(error).rstrip(".") or type(error).__name__
    if isinstance(error, httpx.HTTPStatusError):
        return f"{host} answers {error.response.status_code} for {error.request.url.path}."
    if "CERTIFICATE_VERIFY_FAILED" in why:
        return f"The certificate of {host} is not trusted; SSL_CERT_FILE may name a file with your own ones."
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return f"{host} cannot be reached: {why}."
    return f"{host} did not deliver {error.request.url.path.rsplit('/', 1)[-1]}: {why}."
