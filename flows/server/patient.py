"""A Prefect server that is being started again is waited for.

Prefect's client waits for a server that it has spoken with, but every new client gives up at the first
refused connection, and artifacts, variables and blocks are asked for by new ones.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

P = ParamSpec("P")
T = TypeVar("T")

REFUSED = (httpx.ConnectError, httpx.ConnectTimeout)  # the server cannot have seen the request
AWAY = (httpx.TransportError,)
PATIENCE = 120  # seconds: a server that was killed is back after 10 on an idle machine


def patiently(call: Callable[P, T]) -> Callable[P, T]:
    """`call`, which is repeated while connections are refused, for two minutes at most."""
    return retry(
        retry=retry_if_exception_type(REFUSED),
        wait=wait_fixed(2),
        stop=stop_after_delay(PATIENCE),
        reraise=True,
    )(call)
