"""The one way from a task to an image: AWS Lambda's Invoke API through boto3.

Where images answer is boto3's own setting `AWS_ENDPOINT_URL_LAMBDA`: the local endpoint's address on a
laptop, nothing on AWS. `MEDIAFLOW_FUNCTION_PREFIX` stands before the image's name in the function's name.
In a block of `through(endpoint)` calls go through that endpoint instead, which knows files, ECS and costs; in
a block of `gated(gate)` each waits until the gate lets it pass.
"""

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel

from containers.common import storage
from containers.common.contract import Answer, Request
from containers.common.errors import UserError, user_error
from containers.common.image import image as settings

Result = TypeVar("Result", bound=BaseModel)

CONNECT_ATTEMPTS = 3
# By whoever may end processes: the kernel for want of memory, a service manager, a person.
ENDED = re.compile(r"Runtime exited with error: signal: (killed|terminated|hangup|interrupt)")
MARGIN_S = 60  # on top of an image's own time-out: AWS's cold start and the way back
_clients: dict[tuple[str | None, float | None], Any] = {}
_endpoint: ContextVar[Any] = ContextVar("endpoint", default=None)
_asset: ContextVar[str | None] = ContextVar("asset", default=None)
Gate = Callable[[str], AbstractContextManager[None]]
_gate: ContextVar[Gate | None] = ContextVar("gate", default=None)
_moved: list[Callable[[str], bool]] = []  # whether the images that answered at an address have another now
_lock = threading.Lock()  # boto3 sessions are not thread-safe, clients are


class ImageError(UserError):
    """An image did not answer with a result: it is not there, it ended, or it has a defect."""


class ImageKilled(ImageError):
    """The image's process on this machine was ended from outside, during a call that did nothing wrong."""


def invoke(
    image: str, request: Request, result_type: type[Result], endpoint_url: str | None = None
) -> Answer[Result]:
    """Calls `image` and returns its answer; `result` is filled, from storage if the image put it there.

    Blocks until the image has answered, is safe to use from several threads, and never repeats a call
    that may have reached the image. Raises the image's own UserError with its one sentence, else ImageError.
    """
    gate = _gate.get()
    with gate(image) if gate else nullcontext():
        return _invoke(image, request, result_type, endpoint_url)


def _invoke(
    image: str, request: Request, result_type: type[Result], endpoint_url: str | None
) -> Answer[Result]:
    if asset := _asset.get():
        request = request.model_copy(update={"asset_id": asset})
    if endpoint := _endpoint.get():
        return _call(endpoint, image, request, result_type)
    import botocore.exceptions as failures  # 0.3 s that a run with nothing to do is spared

    endpoint_url = endpoint_url or os.environ.get("AWS_ENDPOINT_URL_LAMBDA")
    function = os.environ.get("MEDIAFLOW_FUNCTION_PREFIX", "") + image
    payload = request.model_dump_json(exclude_none=True).encode()
    try:
        response = _send(_client(endpoint_url, image), function, payload)
        body = response["Payload"].read()
    except (failures.EndpointConnectionError, failures.ConnectionClosedError) as error:
        said = f"nothing answers at {error.kwargs['endpoint_url']}"
        if endpoint_url and _has_moved(endpoint_url):
            raise ImageKilled(f"Image '{image}' was ended: {said} any more.") from None
        raise ImageError(f"Image '{image}' cannot be reached: {said}.") from None
    except failures.ClientError as error:
        reason = error.response["Error"]
        if reason["Code"] == "ServiceException" and endpoint_url and _has_moved(endpoint_url):
            raise ImageKilled(f"Image '{image}' was ended: {reason['Message']}") from None
        if reason["Code"] == "ResourceNotFoundException":
            raise ImageError(f"There is no image '{image}' at {endpoint_url or 'AWS'}.") from None
        raise ImageError(f"Image '{image}' refuses the call: {reason['Message']}.") from None
    except failures.BotoCoreError as error:
        raise ImageError(f"Image '{image}' cannot be called: {str(error).rstrip('.')}.") from error
    if "FunctionError" in response:
        error, headers = json.loads(body), response["ResponseMetadata"]["HTTPHeaders"]
        log = headers.get("x-mediaflow-log", f"CloudWatch's /aws/lambda/{function}")
        raise _function_error(image, error.get("errorType", ""), error.get("errorMessage", ""), log)
    answer = Answer[result_type].model_validate_json(body)
    if answer.result_uri:
        answer.result = result_type.model_validate_json(storage.read_bytes(answer.result_uri))
    return answer


@contextmanager
def through(endpoint: Any) -> Iterator[None]:
    """Calls of this context, and of threads that copy it, go to `endpoint.call(image, request)`."""
    token = _endpoint.set(endpoint)
    try:
        yield
    finally:
        _endpoint.reset(token)


@contextmanager
def following(moved: Callable[[str], bool]) -> Iterator[None]:
    """In this block images that end may be answered for at another address, of which `moved(url)` knows."""
    _moved.append(moved)
    try:
        yield
    finally:
        _moved.remove(moved)


@contextmanager
def about(asset: str) -> Iterator[None]:
    """Images log calls of this context, and of threads that copy it, under this asset's id."""
    token = _asset.set(asset)
    try:
        yield
    finally:
        _asset.reset(token)


@contextmanager
def gated(gate: Gate) -> Iterator[None]:
    """Each call of this context, and of threads that copy it, happens inside `gate(image)`."""
    token = _gate.set(gate)
    try:
        yield
    finally:
        _gate.reset(token)


def _call(endpoint: Any, image: str, request: Request, result_type: type[Result]) -> Answer[Result]:
    from deployments.aws.errors import CallFailed, FunctionFailed

    try:
        answer = endpoint.call(image, request.model_dump(mode="json", exclude_none=True))
    except FunctionFailed as error:
        raise _function_error(image, error.kind, error.message, error.log) from None
    except CallFailed as error:
        raise ImageError(str(error)) from None
    return Answer[result_type].model_validate(answer)


def _has_moved(endpoint_url: str) -> bool:
    return any(moved(endpoint_url) for moved in list(_moved))


def _send(client: Any, function: str, payload: bytes) -> dict[str, Any]:
    """Only a refused connection is tried again: then the image cannot have seen the call."""
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

    for attempt in range(1, CONNECT_ATTEMPTS + 1):
        try:
            return client.invoke(FunctionName=function, Payload=payload)
        except (ConnectTimeoutError, EndpointConnectionError):
            if attempt == CONNECT_ATTEMPTS:
                raise
            time.sleep(0.2 * attempt)
    raise AssertionError("unreachable")


def _client(endpoint_url: str | None, image: str) -> Any:
    local = endpoint_url is not None and urlsplit(endpoint_url).hostname in ("127.0.0.1", "localhost")
    # The local endpoint keeps the time-out itself and may queue the call behind others first.
    read_timeout = None if local else settings(image).timeout_s + MARGIN_S
    with _lock:
        key = (endpoint_url, read_timeout)
        if key not in _clients:
            _clients[key] = _make_client(endpoint_url, read_timeout, local)
        return _clients[key]


def _make_client(endpoint_url: str | None, read_timeout: float | None, local: bool) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"total_max_attempts": 1},
        read_timeout=read_timeout,
        max_pool_connections=64,  # a full pool logs a warning for each further connection
        tcp_keepalive=True,  # a NAT drops a connection that is silent while a model works
    )
    # The local endpoint needs none, but boto3 signs every request.
    session = boto3.Session("local", "local", region_name="local") if local else boto3.Session()
    return session.client("lambda", endpoint_url=endpoint_url, config=config)


def _function_error(image: str, kind: str, message: str, log: str) -> UserError:
    """A UserError raised in the container is raised here again; anything else is the image's failure."""
    if own := user_error(kind):
        return own(message)
    reason = re.sub(r"^RequestId: \S+ Error: ", "", message).strip().split("\n")[0].rstrip(".")
    # On AWS the same words are said of one that used more memory than it has.
    killed = kind == "Runtime.ExitError" and ENDED.fullmatch(reason) and not log.startswith("CloudWatch")
    return (ImageKilled if killed else ImageError)(
        f"Image '{image}' failed: {reason} ({kind}). Its log is {log}."
    )
