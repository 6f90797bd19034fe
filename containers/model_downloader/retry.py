"""Which failures of a request are worth another try, and when."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar
from urllib.parse import urlsplit

from containers.common.errors import UserError

Value = TypeVar("Value")
ATTEMPTS = 5
FIRST_PAUSE = 1.0  # seconds at most, doubled every time, with full jitter
_attempts = ContextVar("attempts", default=ATTEMPTS)
LONGEST_PAUSE = 60.0  # seconds, when the server asks for more


class Transient(Exception):
    """A failure that may pass: a broken connection, a busy server. The message is one sentence."""

    def __init__(self, sentence: str, pause: float | None = None) -> None:
        super().__init__(sentence)
        self.pause = pause  # seconds that the server asks for


def retrying(request: Callable[[], Value], progress: Callable[[], int] = lambda: 0) -> Value:
    """Calls `request` until it succeeds or fails five times in a row without `progress()` having grown.

    A Transient failure is tried again, after the pause that the server asks for or a random one; anything
    else is final. Raises UserError.
    """
    failures, best = 0, progress()
    while True:
        try:
            return request()
        except Transient as error:
            failures = 1 if progress() > best else failures + 1
            best = max(best, progress())
            if failures >= _attempts.get():
                raise UserError(str(error)) from error
            time.sleep(_pause(error, failures))


@contextmanager
def trying_once() -> Iterator[None]:
    """What fails in this thread meanwhile is not tried again: for questions that a person waits for."""
    before = _attempts.set(1)
    try:
        yield
    finally:
        _attempts.reset(before)


def status_error(url: str, status: int, retry_after: str | None) -> Transient | UserError:
    """What an HTTP answer of 4xx or 5xx means: 429 and 5xx may pass."""
    answer = f"{urlsplit(url).hostname} answers {status} for {urlsplit(url).path}"
    if status == 429 or status >= 500:
        asked = float(retry_after) if retry_after and retry_after.isdecimal() else None
        return Transient(f"{answer}; try again later.", asked)
    if status in (401, 403):
        return UserError(f"{answer}; check on its publisher's page who may download it.")
    return UserError(f"{answer}; check its catalogue entry against its publisher's page.")


def _pause(error: Transient, failures: int) -> float:
    if error.pause is not None:
        return min(error.pause, LONGEST_PAUSE)
    return random.uniform(0, FIRST_PAUSE * 2 ** (failures - 1))
