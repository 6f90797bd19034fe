"""The Runtime API of one worker: other users of the machine get nowhere, no request is lost on its way."""

import http.client
import socket
import threading
from collections.abc import Iterator
from queue import Empty

import pytest

from deployments.local.runtime_api import PREFIX, Invocation, RuntimeApi


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    made = RuntimeApi()
    yield made
    made.close()


def invocation(payload: bytes = b"{}") -> Invocation:
    return Invocation("request-1", "arn:aws:lambda:local:0:function:x", payload, 20)


def ask(api: RuntimeApi, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(f"127.0.0.1:{api._server.port}", timeout=10)
    connection.request(method, path, body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def sent(api: RuntimeApi) -> socket.socket:
    """A connection that has asked for its next invocation."""
    connection = socket.create_connection(("127.0.0.1", api._server.port))
    connection.sendall(f"GET {api.prefix}/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


def test_who_does_not_know_the_path_takes_no_request_and_forges_no_answer(api: RuntimeApi) -> None:
    api.inbox.put(invocation())
    for prefix in (PREFIX, f"/guessed{PREFIX}"):
        assert ask(api, "GET", f"{prefix}/invocation/next")[0] == 404
        api.current = invocation()
        for what in ("invocation/request-1/response", "invocation/request-1/error", "init/error"):
            assert ask(api, "POST", f"{prefix}/{what}", b"forged")[0] == 404
        api.current = None
    with pytest.raises(Empty):
        api.outbox.get(timeout=0.1)
    assert ask(api, "GET", f"{api.prefix}/invocation/next") == (200, b"{}")
    assert ask(api, "POST", f"{api.prefix}/invocation/request-1/response", b"true")[0] == 202
    assert [api.outbox.get(timeout=1).kind for _ in range(2)] == ["delivered", "response"]


def test_each_worker_has_a_path_of_its_own(api: RuntimeApi) -> None:
    other = RuntimeApi()
    assert api.prefix != other.prefix
    assert api.address == f"127.0.0.1:{api._server.port}{api.prefix.removesuffix(PREFIX)}"
    other.close()


def test_a_connection_that_died_while_it_waited_takes_nothing_with_it(api: RuntimeApi) -> None:
    for _ in range(3):
        sent(api).close()
    api.inbox.put(invocation(b'"mine"'))
    assert ask(api, "GET", f"{api.prefix}/invocation/next") == (200, b'"mine"')
    assert api.outbox.get(timeout=1).kind == "delivered"


def test_one_that_dies_on_delivery_gives_it_back(api: RuntimeApi) -> None:
    payload = b'"' + b"x" * 6_000_000 + b'"'  # more than the kernel takes for a reader that reads nothing
    dying = sent(api)
    api.inbox.put(invocation(payload))
    assert api.outbox.get(timeout=10).kind == "delivered"
    threading.Timer(0.2, dying.close).start()
    assert ask(api, "GET", f"{api.prefix}/invocation/next") == (200, payload)
    assert [api.outbox.get(timeout=10).kind for _ in range(2)] == ["returned", "delivered"]
