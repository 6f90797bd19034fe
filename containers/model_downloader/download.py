"""One archive onto the disk: resumed where it was cut off, and checked before anybody opens it."""

from collections.abc import Callable
from pathlib import Path

import httpx

from containers.common.errors import UserError
from containers.common.models import sha256_of
from containers.model_downloader.retry import retrying
from containers.model_downloader.source import Archive

OnBlock = Callable[[int, int], None]


def download(client: httpx.Client, url: str, archive: Archive, folder: Path, on_block: OnBlock) -> Path:
    """The archive as `folder`/<sha256>; `on_block(n, have)` hears that n bytes moved and how many are there.

    What an interrupted run left behind is continued. Raises UserError when the content is not what the
    catalogue pins; nothing of it is kept then. OSError when it cannot be written; what is there is kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / archive.sha256
    resumed = path.exists()
    retrying(lambda: _continue(client, url, archive, path, on_block), progress=lambda: _size(path))
    if _size(path) == archive.size and sha256_of(path) == archive.sha256:
        return path
    path.unlink()
    if resumed:  # a crash may have spoiled what lay there; the server deserves a second look
        return download(client, url, archive, folder, on_block)
    raise UserError(
        f"{archive.file} from {httpx.URL(url).host} does not match its SHA-256 in the catalogue; "
        "it was thrown away."
    )


def _continue(client: httpx.Client, url: str, archive: Archive, path: Path, on_block: OnBlock) -> None:
    have = _size(path)
    if have >= archive.size:
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", url, headers=headers) as answer:
        answer.raise_for_status()
        if answer.status_code != httpx.codes.PARTIAL_CONTENT:
            have = 0  # this server always begins at the beginning
        with path.open("ab" if have else "wb") as file:
            for received in answer.iter_raw():
                block = received[: archive.size - have]  # a server may send without end
                file.write(block)
                have += len(block)
                on_block(len(block), have)
                if have == archive.size:
                    return
    raise httpx.RemoteProtocolError("the connection ended early", request=answer.request)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
