"""A published file, whatever serves it: what is known of it, and how to read a part of it."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import requests

from containers.common.errors import UserError
from containers.model_downloader.retry import retrying
from containers.model_downloader.session import explaining, getting


class Reader(Protocol):
    def read(self, size: int, /) -> bytes:
        """What has come, at most `size` bytes; nothing at the end."""
        ...


@dataclass(frozen=True)
class Remote:
    """`read(first, last)` opens bytes first..last, or all from `first` for last None.

    It gives a reader, and False instead of True when that reader begins at byte 0 all the same.
    """

    name: str  # as `files` and `parts` of the catalogue call it
    host: str  # for sentences: where it comes from
    size: int | None  # bytes; None: only its end will tell
    identity: str  # changes when the content does: a hash, else its address with an entity tag
    read: Callable[[int, int | None], AbstractContextManager[tuple[Reader, bool]]]
    sha256: str | None = None
    digits: str = ""  # the first digits of its SHA-256, when only these are published
    archive: bool = False
    md5: str | None = None  # where nobody states its SHA-256
    commit: str = ""  # of the repository that it is a file of

    @property
    def key(self) -> str:
        """The name of what is downloaded of it so far."""
        return self.sha256 or hashlib.sha256(f"{self.identity} {self.size}".encode()).hexdigest()


class _Body:
    def __init__(self, answer: requests.Response) -> None:
        self.answer = answer

    def read(self, size: int, /) -> bytes:
        with explaining(self.answer.url):
            return self.answer.raw.read1(size, decode_content=False)


def web_remote(
    session: requests.Session,
    url: str,
    name: str,
    size: int | None = None,
    sha256: str | None = None,
    digits: str = "",
    archive: bool = False,
    headers: dict[str, str] | None = None,
    host: str | None = None,
) -> Remote:
    """The file at `url`; a size or hash that is not given is asked of the server. Raises UserError.

    `headers` (a token) go to the host of `url` alone. Where that host sends us on, the parts of the file
    are read there until it refuses.
    """
    own, direct = headers or {}, [url]
    etag = ""

    @contextmanager
    def read(first: int, last: int | None) -> Iterator[tuple[Reader, bool]]:
        wanted = {"Range": f"bytes={first}-{'' if last is None else last}"} if first or last else {}
        if wanted and etag:
            wanted["If-Range"] = etag
        address = direct[0]
        try:
            with getting(session, address, wanted | (own if address == url else {})) as answer:
                direct[0] = answer.url
                yield _Body(answer), answer.status_code == requests.codes.partial_content
        except UserError:
            if address == url:
                raise
            direct[0] = url  # a signed address runs out
            with read(first, last) as again:
                yield again

    if size is None or sha256 is None:

        def ask() -> tuple[int | None, str]:
            with getting(session, url, own) as answer:
                length = answer.headers.get("Content-Length", "")
                tag = answer.headers.get("ETag", "") or answer.headers.get("Last-Modified", "")
                return int(length) if length.isdecimal() else None, tag

        served, tag = retrying(ask)
        size = served if size is None else size
        etag = tag if tag.startswith('"') else ""
        identity = f"{url} {tag}"
    else:
        identity = sha256
    host = host or urlsplit(url).hostname or ""
    return Remote(name, host, size, identity, read, sha256, digits, archive)
