"""HTTP as every source uses it: guarded at each hop, and failures in words.

`requests`, since `huggingface_hub` speaks it too: one adapter guards both.
"""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError

from containers.common.errors import UserError
from containers.model_downloader.guard import Guard
from containers.model_downloader.retry import Transient, status_error

SILENCE = 30.0  # seconds without a byte, then the connection is given up
REDIRECTS = 10
CONNECTIONS = 8  # for one file


def open_session(guard: Guard) -> requests.Session:
    """A session that trusts what pip trusts and asks `guard` before each request, redirects included.

    An Authorization header goes to its own host alone: requests drops it when a redirect leaves that host.
    Raises UserError when the certificates that the environment names cannot be read.
    """
    session = requests.Session()
    session.max_redirects = REDIRECTS
    session.headers["Accept-Encoding"] = "identity"
    adapter = _Guarded(guard, _certificates())
    for scheme in ("https://", "http://", ""):  # the guard has the word on other schemes too
        session.mount(scheme, adapter)
    return session


@contextmanager
def getting(session: requests.Session, url: str, headers: dict[str, str]) -> Iterator[requests.Response]:
    """The answer to GET, its body still to be read; what fails meanwhile is a Transient or a UserError."""
    with explaining(url), session.get(url, headers=headers, stream=True, timeout=SILENCE) as answer:
        if not answer.ok:
            raise status_error(answer.url, answer.status_code, answer.headers.get("Retry-After"))
        yield answer


@contextmanager
def explaining(url: str) -> Iterator[None]:
    """Connection trouble as Transient, an address that cannot work as UserError."""
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _explain(error, url) from error


def _explain(error: Exception, url: str) -> UserError | Transient:
    host, file = urlsplit(url).hostname, urlsplit(url).path.rsplit("/", 1)[-1]
    why = _innermost(error)
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return UserError(
            f"The certificate of {host} is not trusted; SSL_CERT_FILE may name a file with your own ones."
        )
    if isinstance(error, requests.TooManyRedirects):
        return UserError(
            f"{host} did not deliver {file}: it redirects without end; check its catalogue entry."
        )
    if isinstance(error, ValueError):  # InvalidURL, MissingSchema, ...
        return UserError(f"'{url}' is no address; correct its catalogue entry.")
    met = isinstance(why, TimeoutError | ConnectionResetError | BrokenPipeError)  # it broke off later
    if isinstance(error, requests.ConnectTimeout) or (isinstance(why, OSError) and not met):
        said = getattr(why, "strerror", None) or "timed out"
        return Transient(
            f"{host} cannot be reached: {said}; check the network and run the same command again."
        )
    return Transient(
        f"{host} did not deliver {file}: {_words(why)}; run the same command again, it continues there."
    )


def _innermost(error: BaseException) -> BaseException:
    """The first failure of a chain that requests and urllib3 wrap several times."""
    seen = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = getattr(error, "reason", None) or next(
            (part for part in reversed(error.args) if isinstance(part, BaseException)), None
        )
        inner = inner or error.__cause__ or error.__context__
        if isinstance(inner, BaseException):
            error = inner
    return error


def _words(why: BaseException) -> str:
    if isinstance(why, urllib3.exceptions.IncompleteRead):
        return f"the connection ended after {why.partial} bytes, {why.expected} before the end"
    if isinstance(why, TimeoutError):
        return f"nothing came for {SILENCE:g} seconds"
    return "the connection broke"


def _certificates() -> str | bool:
    name, bundle = first_set("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT")
    if not bundle:
        return True
    try:
        ssl.create_default_context(cafile=bundle)
    except OSError as error:
        why = error.strerror or error
        raise UserError(
            f"{name} names no readable certificates: {why}; correct it or leave it unset."
        ) from error
    return bundle


def first_set(*names: str) -> tuple[str, str | None]:
    """The first of these environment variables that has a value, and the value."""
    return next(((name, os.environ[name]) for name in names if os.environ.get(name)), (names[0], None))


class _Guarded(HTTPAdapter):
    """Checks every URL before it is asked, and connects to the very addresses that were checked.

    Behind a proxy the proxy looks the names up, so there the allow-list alone protects.
    """

    def __init__(self, guard: Guard, certificates: str | bool) -> None:
        self.guard, self.certificates = guard, certificates
        super().__init__(pool_maxsize=CONNECTIONS)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _pools(self.guard)

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        self.guard.check(request.url or "")
        options["verify"] = self.certificates  # requests would prefer its own variable to the first one set
        return super().send(request, *arguments, **options)


def _pools(guard: Guard) -> dict[str, type[HTTPConnectionPool]]:
    def connect(connection: HTTPConnection, dial: Any) -> Any:
        name = connection._dns_host
        try:
            addresses = guard.resolve(name, connection.port)
        except OSError as error:
            raise NameResolutionError(connection.host, connection, error) from error  # type: ignore[arg-type]
        for address in addresses:
            try:
                connection._dns_host = address  # what is dialled; the name stays for TLS and the Host header
                return dial()
            except urllib3.exceptions.HTTPError:
                if address == addresses[-1]:
                    raise
            finally:
                connection._dns_host = name
        raise AssertionError("getaddrinfo gives an address or raises")

    class Plain(HTTPConnection):
        def _new_conn(self) -> Any:
            return connect(self, super()._new_conn)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> Any:
            return connect(self, super()._new_conn)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain  # type: ignore[assignment] urllib3's own protocol is narrower

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure  # type: ignore[assignment]

    return {"http": PlainPool, "https": SecurePool}
