"""Runs `awslambdaric` in a worker process that never outlives its endpoint.

Started by path, so that nothing but the image's handler and awslambdaric is imported. The worker's
standard input is a pipe that the endpoint holds open. When the endpoint ends in any way, kill -9
included, the kernel closes the pipe, and the worker takes its whole process group with it. (Linux's
parent-death signal would not do: it fires when the *thread* that started the worker ends.)
"""

import contextlib
import http.client
import importlib.util
import os
import select
import shutil
import signal
import sys
import threading
from typing import Any


def end_with_endpoint(pipe: int, scratch: str) -> None:
    """Waits for the end of `pipe`, or for a new parent (a fork of the endpoint may hold the pipe too)."""
    parent = os.getppid()
    while not select.select([pipe], [], [], 1.0)[0] and os.getppid() == parent:
        pass
    end_all(scratch)


def end_all(scratch: str) -> None:
    """Kills all descendants of this process, removes its temporary files, kills its process group."""
    import psutil  # only now: a worker that ends in peace never needs it

    for child in psutil.Process().children(recursive=True):  # those in sessions of their own too
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    shutil.rmtree(scratch, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


class PlainClient:
    """Stands in for awslambdaric's `runtime_client`, whose native code is built for Linux only."""

    def initialize_client(self, user_agent: str) -> None:
        pass

    def next(self) -> tuple[bytes, dict[str, Any]]:
        body, headers = self._call("GET", "next")
        return body, headers | {"Lambda-Runtime-Deadline-Ms": int(headers["Lambda-Runtime-Deadline-Ms"])}

    def post_invocation_result(self, invoke_id: str, data: bytes, content_type: str, _: str | None) -> None:
        self._call("POST", f"{invoke_id}/response", data, {"Content-Type": content_type})

    def post_error(self, invoke_id: str, error: str, xray_fault: str, _: str | None) -> None:
        self._call("POST", f"{invoke_id}/error", error.encode())

    def _call(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[bytes, dict[str, Any]]:
        address, _, secret = os.environ["AWS_LAMBDA_RUNTIME_API"].partition("/")
        with contextlib.closing(http.client.HTTPConnection(address)) as connection:
            path = f"/{secret}/2018-06-01/runtime/invocation/{path}"
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            content = response.read()
        if response.status >= 300:
            raise RuntimeError(f"The Runtime API answers {response.status} to {method} {path}")
        return content, dict(response.headers)


def report_below_secret_path() -> None:
    """awslambdaric reports a failed init through http.client, which takes a host and no path behind it."""
    from awslambdaric.lambda_runtime_client import BaseLambdaRuntimeClient

    call = BaseLambdaRuntimeClient.call_rapid

    def call_below(self: Any, http_method: str, endpoint: str, *arguments: Any, **options: Any) -> None:
        named = self.lambda_runtime_address
        self.lambda_runtime_address, _, secret = named.partition("/")
        try:
            call(self, http_method, f"/{secret}{endpoint}", *arguments, **options)
        finally:
            self.lambda_runtime_address = named

    BaseLambdaRuntimeClient.call_rapid = call_below  # type: ignore[assignment]


def main() -> None:
    scratch = sys.argv[1]
    pipe = os.dup(0)  # not inherited by the handler's own children
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    threading.Thread(target=end_with_endpoint, args=(pipe, scratch), daemon=True).start()
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    if not importlib.util.find_spec("runtime_client"):
        sys.modules["runtime_client"] = PlainClient()  # type: ignore[assignment]
    import awslambdaric.bootstrap
    from awslambdaric.__main__ import main as run

    report_below_secret_path()
    awslambdaric.bootstrap.ERROR_LOG_LINE_TERMINATE = "\n"  # its "\r" is for CloudWatch, our log is a file
    try:
        run(["awslambdaric", os.environ["_HANDLER"]])
    finally:
        # An endpoint that dies takes its Runtime API along, which awslambdaric may notice before our thread.
        if select.select([pipe], [], [], 0.2)[0]:
            end_all(scratch)


if __name__ == "__main__":
    main()
