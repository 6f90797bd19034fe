"""Calls are repeated where that is worth it: throttles for long, other passing failures a few times."""

from collections.abc import Callable
from typing import Any, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from deployments.aws.errors import CallFailed, Passing

Answer = TypeVar("Answer")
ATTEMPTS = 5  # of a call that failed by other than a throttle
# Full jitter: see "Exponential Backoff And Jitter" in the AWS Architecture Blog.
WAIT = wait_random_exponential(multiplier=0.2, max=5)


def repeat(call: Callable[[], Answer], what: str, patience_s: float) -> Answer:
    """What `call` returns in the end. Raises CallFailed when passing failures do not pass."""
    failures = 0

    def stop(state: RetryCallState) -> bool:
        nonlocal failures
        error: Any = state.outcome and state.outcome.exception()
        failures += not error.throttled
        return failures >= ATTEMPTS or (state.seconds_since_start or 0) > patience_s

    try:
        return Retrying(wait=WAIT, stop=stop, retry=retry_if_exception_type(Passing), reraise=True)(call)
    except Passing as error:
        raise CallFailed(f"{what} failed time after time: {str(error).rstrip('.')}.") from None
