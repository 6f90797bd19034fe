"""One archive onto the disk: resumed where it was cut off, and checked before anybody opens it."""

from collections.abc import Callable
from pathlib import Path

import httpx

from containers.common.errors import UserError
from containers.common.models import sha256_of
from containers.model_downloader.registry import Archive
from containers.model_downloader.retry import retrying

BLOCK = 1 << 20


def download(
    client: httpx.Client, url: str, archive: Archive, folder: Path, on_bytes: Callable[[int], None]
) -> Path:
    """The archive as `folder`/<sha256>; `on_bytes(n)` is told of every n bytes that moved.

    What an interrupted run left behind is continued. Raises UserError when the content is not what the
    catalogue pins; nothing of it is kept then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whole, partial = folder / archive.sha256, folder / f"{archive.sha256}.part"
    if not whole.exists():
        retrying(lambda: _continue(client, url, archive, partial, on_bytes))
        if partial.stat().st_size != archive.size or sha256_of(partial) != archive.sha256:
            partial.unlink()
            raise UserError(
                f"{archive.file} from {httpx.URL(url).host} does not match its SHA-256 in the catalogue; "
                "it was thrown away."
            )
        partial.replace(whole)
    return whole


def _continue(
    client: httpx.Client, url: str, archive: Archive, partial: Path, on_bytes: Callable[[int], None]
) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    if have >= archive.size:
        return
    headers = {"Range": f"bytes={have}-"} if have else {}
    with client.stream("GET", url, headers=headers | {"Accept-Encoding": "identity"}) as answer:
        answer.raise_for_status()
        resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
        room = archive.size - (have if resumed else 0)
        with partial.open("ab" if resumed else "wb") as file:
            for block in answer.iter_raw(BLOCK):
                room -= len(block)
                if room < 0:  # a server may send without end; the hash will say the rest
                    break
                file.write(block)
                on_bytes(len(block))
    if partial.stat().st_size < archive.size and room > 0:
        raise httpx.RemoteProtocolError("the connection ended early", request=answer.request)
