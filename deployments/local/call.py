"""A call on its way through the endpoint."""

import time
import uuid
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path


class EndpointStopped(Exception):
    """The endpoint, or whoever called, ended before the invocation did."""


@dataclass
class Outcome:
    payload: bytes
    failed: bool
    log: Path
    log_tail: bytes


@dataclass(eq=False)
class Call:
    """An invocation that waits for a worker; without a payload it only warms one up."""

    payload: bytes | None
    caller: str = ""
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    outcome: "Future[Outcome]" = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)
    begun: bool = False  # a worker has it
    given_up: bool = False  # its caller has gone
