"""What a media file is, before anything is decoded."""

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from pydantic import Field

from containers.common.errors import MediaError
from tasks.media.bounded import run_bounded
from tasks.media.budget import budget_of
from tasks.media.probing import Description
from tasks.media.recorded import from_file

MAX_PICTURE = 8192 * 8192  # pixels; what has more is refused


class MediaInfo(Description):
    """A media file as its container describes it, and its content's hash."""

    name: str
    sha256: str
    size: int = Field(description="bytes")

    @property
    def asset_id(self) -> str:
        """The asset folder's name: the same content has the same id whatever its file name."""
        return self.sha256[:16]


def probe(path: Path, audio_track: str | None = None) -> MediaInfo:
    """Reads the headers, the first picture and the content's hash; the same file again costs nothing.

    Raises MediaError with one sentence when there is no such file or nothing to analyse in it.
    """
    readable = os.fsencode(path).decode(errors="replace")
    if readable != str(path):
        raise MediaError(f"The path {readable} holds bytes that are no UTF-8 text; rename it first.")
    try:
        if not path.exists():
            raise MediaError(f"There is no file {path}.")
        if not path.is_file():
            raise MediaError(f"{path} is not a file.")
        status = path.stat()
        if not status.st_size:
            raise MediaError(f"{path.name} is empty.")
        mark = (status.st_size, status.st_mtime_ns, status.st_ino)
        found = _probe(path.absolute(), audio_track, mark).model_copy(update={"name": path.name}, deep=True)
        found.recorded = found.recorded or from_file(status.st_mtime)
        return found
    except PermissionError:
        raise MediaError(f"{path} may not be read by this user.") from None
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror or error}.") from None


@lru_cache(maxsize=64)
def _probe(path: Path, audio_track: str | None, mark: tuple[int, int, int]) -> MediaInfo:
    size = mark[0]
    with path.open("rb"):
        pass  # says here, and not in another process, that it may not be read
    described = run_bounded("probe", path, budget_of(size, None, MAX_PICTURE), audio_track=audio_track)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return MediaInfo(name=path.name, size=size, sha256=digest, **described)
