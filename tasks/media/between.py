"""Whole pictures between those that were sampled. Runs in the process of `tasks.media.worker`."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tasks.media.reader import Reader
from tasks.media.sampler import JPEG_QUALITY
from tasks.media.sheets import Spans, pictures_of
from tasks.media.stills import open_stills


def keep_pictures(
    path: Path,
    spans: Spans,
    seekable: bool,
    folder: Path,
    alive: Callable[[float], None] = lambda seconds: None,
) -> Iterator[dict[str, Any]]:
    """Each picture's `time` in seconds and `image`, a JPEG file in `folder`; `spans` as `cut_faces` has them.

    Photographs and animations have none: all of their pictures were sampled.
    """
    if (stills := open_stills(path)) is not None:
        with stills:
            return
    folder.mkdir(parents=True, exist_ok=True)
    with Reader(path) as reader:
        for number, (picture, time) in enumerate(pictures_of(reader, spans, seekable, alive)):
            target = folder / f"{number:06d}.jpg"
            picture.save(target, quality=JPEG_QUALITY)
            yield {"time": time, "image": str(target)}
