"""How S3 is reached, and waited for: it may be away for a minute at any moment."""

import os
import sys
import time
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Any

# Of botocore's own, within seconds. More of them would not wait longer where several requests fail at once:
# all of a client share 500 tokens, of which each retry takes 5 or 10, and its pauses are random
# (https://docs.aws.amazon.com/boto3/latest/guide/retries.html).
PATIENT = {"mode": "standard", "total_max_attempts": 3}
AWAY = 120  # seconds for which S3 may be away
SILENT, PAUSE = 2.0, 2.0  # seconds of waiting without a word, and between two attempts
_told = float("-inf")  # when, by the monotonic clock

_make: Callable[[], Any] | None = None


def use_s3(make: Callable[[], Any] | None) -> None:
    """From now on S3 is reached by the client of boto3 that `make` gives; None: by the environment."""
    global _make
    _make = make
    client.cache_clear()


@cache
def client() -> Any:
    """The client of boto3 that this process has for S3."""
    made = _make() if _make else plain_client()
    if not _set_by_user():
        made.meta.events.register_last("needs-retry.s3", _wait_while_away)
    return made


def plain_client() -> Any:
    """boto3's client by the environment, which outlives a minute in which S3 does not answer."""
    import boto3  # costs 0.2 s, and a laptop's runs never need it
    from botocore.config import Config

    return boto3.client("s3") if _set_by_user() else boto3.client("s3", config=Config(retries=PATIENT))


def _set_by_user() -> bool:
    return bool(os.environ.keys() & {"AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"})


def _wait_while_away(
    response: Any, caught_exception: Exception | None, request_dict: dict[str, Any], **_: Any
) -> float | None:
    """botocore asks after each attempt for the pause before the next; None: what its own rules say."""
    global _told
    from botocore import exceptions as failures

    away = (failures.ConnectionError, failures.HTTPClientError)  # refused, cut, silent, no such name
    status = response[0].status_code if response is not None else 0
    unwell = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if not unwell and not isinstance(caught_exception, away):
        return None
    now = time.monotonic()
    waited = now - request_dict["context"].setdefault("mediaflow_away_since", now)
    if waited >= SILENT and now > _told + AWAY:  # once for all that wait at the same time
        _told = now
        reason = caught_exception or f"it answers {status}"
        print(f"S3 does not answer ({reason}): trying again for two minutes.", file=sys.stderr, flush=True)
    return PAUSE if waited < AWAY else None
