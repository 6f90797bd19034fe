"""The picture of one moment, for a search and for a notebook."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from containers.common.errors import MediaError
from tasks.media.pictures import Shown
from tasks.media.reader import Reader
from tasks.media.stills import Stills, open_stills

EARLY = 1e-3  # seconds: times are rounded
AFTER = 0.5  # seconds after its end that a film still shows its last picture
FROM_START = 1.0  # seconds: earlier moments are not worth seeking


def picture_at(path: Path, at: float, alive: Callable[[], object] = lambda: None) -> Image.Image:
    """What is on screen at `at` seconds; RGB, upright, with square pixels. A photograph has one moment.

    `alive` is called while packets are passed over. Raises MediaError when there is no picture, or none so
    late.
    """
    stills = open_stills(path)
    if stills is not None:
        with stills:
            return _still_at(stills, path.name, at)
    with Reader(path) as reader:
        if reader.video is None:
            raise MediaError(f"{path.name} has no picture.")
        if at > FROM_START and reader.indexed:
            reader.seek(at)
            shown = _last_before(reader, at)
            if shown is not None and reader.seekable and at <= reader.end + AFTER:
                return shown.picture()
    with Reader(path) as reader:  # where times have to be counted, or seeking went too far
        reader.go_to(at, alive)
        shown = _last_before(reader, at)
        if shown is None or at > reader.end + AFTER:
            raise MediaError(f"{path.name} has no picture at second {at:g}.")
        return shown.picture()


def _last_before(reader: Reader, at: float) -> Shown | None:
    found = None
    for each in reader.read(sound=False):
        if isinstance(each, Shown):
            if each.time > at + EARLY and (found or each.time > FROM_START):
                return found
            found = each
    return found


def _still_at(stills: Stills, name: str, at: float) -> Image.Image:
    for still in stills:
        if not stills.animated or still.time <= at + EARLY < still.time + still.length:
            return still.picture
    raise MediaError(f"{name} has no picture at second {at:g}.")
