"""Reports, shelves and the pages of quality, evaluation and people over http: `make serve` starts it.

It listens on this machine alone and asks for the password of the Prefect page, of whom it serves as well. An
output folder is served once a run has linked it, below a name that nobody guesses. The list of all is for
people, not for pages: what others wrote into one folder leads to no other, and may fetch nothing.
"""

import hmac
import os
import re
import socket
import sys
from base64 import b64decode
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from containers.common.errors import UserError
from containers.common.inside import existing
from containers.common.models.store import sha256_of
from containers.common.private import read_private, write_private
from flows.server.secret import CLIENT_SECRET, own_hosts, prefect_home

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

RESULTS_URL = "MEDIAFLOW_RESULTS_URL"  # set by `make serve` for its worker
WEEK = 7 * 24 * 3600  # seconds: the longest that S3 allows
FOLDERS = ("shelf", "quality", "evaluations", "people")  # beside those of assets
PICTURES = (".jpg", ".jpeg", ".png")
PLAYER = re.compile(r'(<(?:video|audio) id="player"[^>]* src=")[^"]*(")')
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; media-src 'self' data:; "
    "script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def link_to(output: str | Path, *names: str) -> str:
    """Where a browser finds a file of an output: over http below `make serve`, else on the disk.

    On S3 by a link that is a key for that one file, for a week: S3's user guide, "presigned URLs".
    """
    text = str(output).rstrip("/")
    if text.startswith("s3://"):
        return _signed("/".join([text, *names]))
    served = os.environ.get(RESULTS_URL)
    if not served:
        return Path(text, *names).absolute().as_uri()
    return "/".join([served, _place_of(Path(text).absolute()), *map(quote, names)])


def link_to_file(path: Path) -> str:
    """The same of a page in one of an output's own folders, as evaluations/.../report.html."""
    path = path.absolute()
    for folder in path.parents:
        if folder.name in FOLDERS:
            return link_to(folder.parent, *path.relative_to(folder.parent).parts)
    return path.as_uri()


def _signed(uri: str) -> str:
    from botocore.exceptions import BotoCoreError

    from containers.common.s3 import client

    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        given = {"Bucket": bucket, "Key": key}
        return client().generate_presigned_url("get_object", Params=given, ExpiresIn=WEEK)
    except BotoCoreError:  # nobody here can sign
        return uri


def _places() -> Path:
    return prefect_home() / "mediaflow-results"


def _place_of(output: Path) -> str:
    """The name under which a folder is served from now on."""
    secret = os.environ.get(CLIENT_SECRET, "")
    name = hmac.digest(secret.encode(), os.fsencode(output), "sha256").hex()[:32]
    path = _places() / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, f"{output}\n")
    return name


def find_file(output: Path, parts: list[str]) -> Path | None:
    """What of an output is shown: pages, asset folders, and of what is hidden the pictures of the cache."""
    first = parts[0] if parts else ""
    if parts in ([], [""]):
        return existing(output, "index.html")
    if first == ".cache":
        shown = not any(part.startswith(".") for part in parts[1:]) and parts[-1].endswith(PICTURES)
    elif any(part.startswith(".") for part in parts):
        shown = False
    else:
        shown = parts == ["index.html"] or first in FOLDERS or existing(output, first, "manifest.json")
    return existing(output, *parts) if shown else None


def _media_of(output: Path, asset: str) -> Path | None:
    """The very file that was analysed: whatever a folder names, nothing else is given away."""
    from tasks.search.export.media import source_of

    try:
        place = source_of(output, asset).place
    except UserError:
        return None
    if not place or place.startswith("s3://") or not Path(place).is_file():
        return None
    state = Path(place).stat()
    known = _digest(Path(place), state.st_mtime_ns, state.st_size)
    return Path(place) if known[:16] == asset else None


@lru_cache(maxsize=256)
def _digest(path: Path, modified: int, size: int) -> str:
    return sha256_of(path)


def knows(authorization: str, secret: str) -> bool:
    """`authorization` is the header's value. Name and password, or all of it as the password."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        given = b64decode(encoded, validate=True).decode()
    except ValueError:
        return False
    if scheme.lower() != "basic":
        return False
    password = given.partition(":")[2]
    return any(hmac.compare_digest(each.encode(), secret.encode()) for each in (given, password))


def make_app(secret: str, host: str) -> Any:
    """The application, for uvicorn."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.routing import Route

    def answer(request: "Request") -> "Response":
        from starlette.responses import HTMLResponse, PlainTextResponse

        if not knows(request.headers.get("Authorization", ""), secret):
            asked = {"WWW-Authenticate": 'Basic realm="The password of the Prefect page", charset="UTF-8"'}
            return PlainTextResponse("The password of the Prefect page is asked for.", 401, asked)
        name, _, rest = request.path_params["path"].partition("/")
        if not name and request.headers.get("Sec-Fetch-Site") != "same-origin":  # a page here could read it
            return HTMLResponse(_overview(), headers=HEADERS)
        output = read_private(_places() / name) if re.fullmatch("[0-9a-f]{32}", name) else None
        found = output and _answer(Path(output), rest)
        return found or PlainTextResponse("There is no such page.", 404)

    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=own_hosts(host), www_redirect=False)
    return Starlette(routes=[Route("/{path:path}", answer)], middleware=[trusted])


def _answer(output: Path, rest: str) -> "Response | None":
    from starlette.responses import FileResponse, HTMLResponse

    parts = rest.split("/")
    if len(parts) == 2 and parts[1] == "media":
        media = _media_of(output, parts[0])
        return media and FileResponse(media, headers=HEADERS)
    path = find_file(output, parts)
    if path and path.name == "report.html":
        page = PLAYER.sub(r"\1media\2", path.read_text(encoding="utf-8"), count=1)
        return HTMLResponse(page, headers=HEADERS)
    return path and FileResponse(path, headers=HEADERS)


def _overview() -> str:
    from markupsafe import Markup

    folders = sorted((read_private(path) or "", path.name) for path in _places().glob("*"))
    rows = [
        Markup('<li><a href="{}/">{}</a></li>').format(name, output)
        for output, name in folders
        if output and Path(output, "index.html").is_file()
    ]
    shown = Markup("<ul>{}</ul>").format(Markup("").join(rows)) if rows else "No run has linked a folder yet."
    return Markup("<!doctype html><meta charset=utf-8><title>Results</title><h1>Results</h1>{}").format(shown)


def main(descriptor: int, host: str) -> None:
    """On the socket of that file descriptor, which listens at `host`, until it is ended."""
    import uvicorn

    secret = os.environ.get(CLIENT_SECRET)
    if not secret:
        sys.exit(f"Results are served to those who know a password: {CLIENT_SECRET} is not set.")
    server = uvicorn.Server(uvicorn.Config(make_app(secret, host), log_level="error"))
    server.run([socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
