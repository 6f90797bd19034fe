"""The process that reads media of unknown origin: one job, told as JSON on standard input.

It limits its own memory and processor time, tells progress and result as lines of JSON, and can end in any
way without harm to who started it: see `tasks.media.bounded`.
"""

import json
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from containers.common.errors import UserError
from tasks.asset.disk import explain_disk

EVERY = 0.5  # seconds between two lines of progress


def main() -> int:
    """Exit code 0 when a line tells a result or an error."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    job = json.load(sys.stdin)
    _limit(resource.RLIMIT_AS, job["memory"])
    _limit(resource.RLIMIT_CPU, round(job["cpu"]))
    path = Path(job["path"])
    try:
        result = JOBS[job["name"]](path, **job["given"])
        if isinstance(result, Iterator):
            for item in result:
                _tell(item=item)
            result = None
        _tell(result=result)
    except UserError as error:
        _tell(error=type(error).__name__, sentence=str(error))
    except MemoryError:
        _tell(
            error="MediaError",
            sentence=f"{path.name} needs more than the {job['memory'] / 2**30:.1f} GiB of memory "
            "that media like it may use.",
        )
    return 0


def _limit(kind: int, value: int) -> None:
    _, most = resource.getrlimit(kind)
    value = value if most == resource.RLIM_INFINITY else min(value, most)
    if sys.platform != "darwin":  # which refuses some limits and ignores others
        resource.setrlimit(kind, (value, most))


def _tell(**line: Any) -> None:
    print(json.dumps(line), flush=True)


def _reporter():
    told = 0.0

    def progress(seconds: float) -> None:
        nonlocal told
        if (now := time.monotonic()) - told >= EVERY:
            told = now
            _tell(progress=round(seconds, 3))

    return progress


def _alive():
    """What says, now and then, that the process still does something."""
    progress = _reporter()
    return lambda: progress(0.0)


def _probe(path: Path, audio_track: str | None) -> dict[str, Any]:
    from tasks.media.probing import describe

    return describe(path, audio_track).model_dump(mode="json")


def _decode(
    path: Path,
    folder: str,
    frame_rate: float,
    audio_track: str | None,
    pictures: bool,
    channels: Any = "mixed",
    part: Sequence[float | None] = (0.0, None),
) -> dict[str, Any]:
    from tasks.media.decoding import decode_media
    from tasks.media.part import Part

    start, end = part
    wanted = Part(start or 0.0, end)
    with explain_disk(Path(folder)):
        decoded = decode_media(
            path, Path(folder), frame_rate, _reporter(), audio_track, pictures, channels, wanted
        )
    return decoded.model_dump()


def _picture(path: Path, at: float, target: str) -> None:
    from tasks.media.moment import picture_at

    picture = picture_at(path, at, _alive())
    with explain_disk(Path(target).parent):
        picture.save(target, compress_level=1)


def _cut(path: Path, target: str, **given: Any) -> dict[str, Any]:
    from tasks.media.cutting import cut

    with explain_disk(Path(target).parent):
        return cut(path, target=Path(target), alive=_alive(), **given)


def _part(path: Path, target: str, **given: Any) -> dict[str, Any]:
    from tasks.media.reel import make_part

    with explain_disk(Path(target).parent):
        return make_part(path, target=Path(target), alive=_alive(), **given)


def _faces(path: Path, folder: str, **given: Any) -> Iterator[dict[str, Any]]:
    from tasks.media.sheets import cut_faces

    with explain_disk(Path(folder)):
        yield from cut_faces(path, folder=Path(folder), alive=_reporter(), **given)


def _between(path: Path, folder: str, **given: Any) -> Iterator[dict[str, Any]]:
    from tasks.media.between import keep_pictures

    with explain_disk(Path(folder)):
        yield from keep_pictures(path, folder=Path(folder), alive=_reporter(), **given)


JOBS = {
    "probe": _probe,
    "decode": _decode,
    "picture": _picture,
    "cut": _cut,
    "part": _part,
    "faces": _faces,
    "between": _between,
}


if __name__ == "__main__":
    sys.exit(main())
