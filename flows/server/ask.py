"""Plain requests to a Prefect server, where its client would take too long to import or hide too much."""

import os
import uuid
from base64 import b64encode
from collections.abc import Generator

import httpx

from flows.server.secret import CLIENT_SECRET


class Known(httpx.Auth):
    """Says who asks, as Prefect's client does: the secret, and with changes a token against forged ones."""

    requires_response_body = True

    def __init__(self, secret: str | None = None) -> None:
        """`secret`: of the environment when None."""
        self._secret = secret
        self._name = str(uuid.uuid4())

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        secret = self._secret or os.environ.get(CLIENT_SECRET)
        headers = {"Authorization": f"Basic {b64encode(secret.encode()).decode()}"} if secret else {}
        request.headers.update(headers)
        if request.method not in ("GET", "HEAD"):
            path = f"{request.url.raw_path.decode().partition('/api/')[0]}/api/csrf-token"
            asked = request.url.copy_with(path=path, query=f"client={self._name}".encode())
            answer = yield httpx.Request("GET", asked, headers=headers)
            if answer.status_code == httpx.codes.OK:  # another answer: this server wants none
                token = {"Prefect-Csrf-Token": answer.json()["token"], "Prefect-Csrf-Client": self._name}
                request.headers.update(token)
        yield request


def asking(api_url: str, secret: str | None = None, timeout: float = 60) -> httpx.Client:
    """A client for paths below `api_url`."""
    return httpx.Client(base_url=api_url, timeout=timeout, trust_env=False, auth=Known(secret))
