"""What callers read when an invocation fails outside the handler: Lambda's own error types and sentences."""

import json
import signal

from deployments.local import limits
from deployments.local.worker import Fate, Worker


def failure(fate: Fate, worker: Worker, request_id: str) -> bytes:
    """The response payload for every fate but `response`."""
    if fate.kind in ("error", "init_error"):
        return fate.body  # as the runtime posted it
    if fate.kind == "too_large":
        size = int(fate.body)
        return _payload(
            "Function.ResponseSizeTooLarge",
            f"Response payload size ({size} bytes) exceeded maximum allowed payload size "
            f"({limits.RESPONSE} bytes).",
        )
    if fate.kind == "timeout":
        return _error(
            "Sandbox.Timedout", request_id, f"Task timed out after {worker.image.timeout_s}.00 seconds"
        )
    if fate.kind == "init_timeout":
        return _error(
            "Sandbox.Timedout", request_id, f"Init timed out after {worker.image.init_timeout_s}.00 seconds"
        )
    return _error("Runtime.ExitError", request_id, _exit(worker))


def _exit(worker: Worker) -> str:
    status = worker.process.returncode
    if worker.over_memory:
        limit = worker.image.memory_mb
        return (
            "Runtime exited with error: signal: killed. "
            f"It used {worker.peak >> 20} MB of memory and its limit is {limit} MB."
        )
    if worker.left_stopped:
        return "Runtime exited with error: signal: killed. Somebody had stopped it and left it so."
    if status < 0:
        name = "killed" if status == -signal.SIGKILL else signal.strsignal(-status) or str(-status)
        return f"Runtime exited with error: signal: {name.lower()}"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    return "Runtime exited without providing a reason"


def _error(kind: str, request_id: str, message: str) -> bytes:
    return _payload(kind, f"RequestId: {request_id} Error: {message}")


def _payload(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
