"""Where a package registry keeps an archive: registries and certificates are those the user's tools use."""

import os
import ssl
from html.parser import HTMLParser
from typing import Literal
from urllib.parse import quote, unquote, urljoin, urlsplit

import httpx
from pydantic import BaseModel

from containers.common.errors import UserError
from containers.model_downloader.retry import retrying
from containers.model_downloader.source import Archive

PYPI = "https://pypi.org/simple"
NPM = "https://registry.npmjs.org"
SILENCE = 30.0  # seconds without a byte, then the connection is given up
ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"  # private indexes often have HTML only


def open_client() -> httpx.Client:
    """An HTTP client that trusts what pip trusts, follows redirects and gives up on a silent server.

    Raises UserError when the certificates that the environment names cannot be read.
    """
    name, bundle = _first_set("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT")
    try:
        verify = ssl.create_default_context(cafile=bundle) if bundle else True
    except OSError as error:
        raise UserError(f"{name} names no readable certificates: {error.strerror or error}.") from error
    return httpx.Client(verify=verify, follow_redirects=True, timeout=SILENCE)


def archive_url(client: httpx.Client, kind: Literal["pypi", "npm"], archive: Archive) -> str:
    """The archive's address. Raises UserError when the registry does not have it."""
    if kind == "npm":
        registry = _registry(NPM, "NPM_CONFIG_REGISTRY", "npm_config_registry")
        # npm serves every version's tarball at this address.
        return f"{registry}/{archive.package}/-/{archive.file}"
    index = _registry(PYPI, "UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
    page = f"{index}/{quote(archive.package)}/"
    answer = retrying(lambda: client.get(page, headers={"Accept": ACCEPT}).raise_for_status())
    try:
        addresses = [urljoin(str(answer.url), address) for address in _addresses(answer)]
        for address in addresses:
            if unquote(urlsplit(address).path.rsplit("/", 1)[-1]) == archive.file:
                return str(httpx.URL(address))
    except (ValueError, httpx.InvalidURL) as error:
        raise UserError(f"{answer.url.host} does not answer as a package index does.") from error
    raise UserError(f"{archive.package} {archive.version} ({archive.file}) is not on {answer.url.host}.")


class _Page(BaseModel):
    """A project's page of the simple repository API as JSON (PEP 691), as far as it matters here."""

    class File(BaseModel):
        url: str

    files: list[File]


class _Links(HTMLParser):
    """The same page as HTML (PEP 503): a link per file."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def _addresses(answer: httpx.Response) -> list[str]:
    if "json" in answer.headers.get("Content-Type", ""):
        return [file.url for file in _Page.model_validate_json(answer.content).files]
    links = _Links()
    links.feed(answer.text)
    return links.found


def _registry(default: str, *names: str) -> str:
    name, address = _first_set(*names)
    if address and urlsplit(address).scheme not in ("http", "https"):
        raise UserError(f"{name} is not the http or https address of a package registry.")
    return (address or default).rstrip("/")


def _first_set(*names: str) -> tuple[str, str | None]:
    """The first of these environment variables that has a value, and the value."""
    return next(((name, os.environ[name]) for name in names if os.environ.get(name)), (names[0], None))
