"""The Lambda Runtime API of one worker: it asks for its next invocation and posts the outcome.

Each worker gets a port of its own, since the API itself does not say who is asking, and a secret path, since
other users of the machine can ask too.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import secrets
import select
import time
from queue import SimpleQueue
from typing import Literal, NamedTuple

from deployments.local import limits
from deployments.local.server import Exchange, LocalServer

PREFIX = "/2018-06-01/runtime"


class Invocation(NamedTuple):
    request_id: str
    arn: str
    payload: bytes
    timeout_s: int


class Message(NamedTuple):
    """What happened to a worker. `delivered`: it takes the invocation, its time runs from now; `returned`: it
    did not get it, since the connection died, and may ask again."""

    kind: Literal["delivered", "returned", "response", "error", "too_large", "init_error", "exited"]
    body: bytes = b""


class RuntimeApi:
    """`inbox` holds what the worker is to do, `outbox` what came of it, in order."""

    def __init__(self) -> None:
        self.inbox: SimpleQueue[Invocation | None] = SimpleQueue()
        self.outbox: SimpleQueue[Message] = SimpleQueue()
        self.ready = False  # the worker has asked for work, so its init is over
        self.current: Invocation | None = None
        self.prefix = f"/{secrets.token_urlsafe(16)}{PREFIX}"
        self._server = LocalServer(RuntimeExchange, self)

    @property
    def address(self) -> str:
        """What the worker's AWS_LAMBDA_RUNTIME_API says."""
        return f"127.0.0.1:{self._server.port}{self.prefix.removesuffix(PREFIX)}"

    def close(self) -> None:
        self.inbox.put(None)
        self._server.close()


class RuntimeExchange(Exchange):
    """A worker's connection."""

    def do_GET(self) -> None:
        api: RuntimeApi = self.server.owner
        if self.path != f"{api.prefix}/invocation/next":
            return self.reply_json(404, {"errorType": "NotFound", "errorMessage": self.path})
        api.ready = True
        invocation = api.inbox.get()
        if invocation is None:
            self.close_connection = True
        elif select.select([self.connection], [], [], 0)[0]:
            self.close_connection = True  # nobody is there: the next connection is given the invocation
            api.inbox.put(invocation)
        else:
            self._deliver(api, invocation)

    def _deliver(self, api: RuntimeApi, invocation: Invocation) -> None:
        api.current = invocation
        api.outbox.put(Message("delivered"))
        deadline = int((time.time() + invocation.timeout_s) * 1000)
        try:
            self.reply(
                200,
                invocation.payload,
                {
                    "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                    "Lambda-Runtime-Deadline-Ms": str(deadline),
                    "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
                },
            )
        except OSError:  # it died while the invocation was on its way
            api.current = None
            api.outbox.put(Message("returned"))
            api.inbox.put(invocation)
            raise

    def do_POST(self) -> None:
        api: RuntimeApi = self.server.owner
        body, size = self.read_body(limits.RESPONSE)
        if not self.path.startswith(api.prefix):
            return self.reply_json(404, {"errorType": "NotFound", "errorMessage": self.path})
        if self.path == f"{api.prefix}/init/error":
            api.outbox.put(Message("init_error", body))
            return self.reply_json(202, {"status": "OK"})
        request_id = api.current.request_id if api.current else None
        if self.path not in (
            f"{api.prefix}/invocation/{request_id}/response",
            f"{api.prefix}/invocation/{request_id}/error",
        ):
            return self.reply_json(400, {"errorType": "InvalidRequestID", "errorMessage": self.path})
        api.current = None
        if size > limits.RESPONSE:
            api.outbox.put(Message("too_large", str(size).encode()))
            return self.reply_json(413, {"errorType": "RequestEntityTooLarge", "errorMessage": str(size)})
        api.outbox.put(Message("response" if self.path.endswith("response") else "error", body))
        self.reply_json(202, {"status": "OK"})
