"""A second look between samples: where a face is lost in a shot and one like it is found later in the shot.

Whoever turns or moves fast is unlike himself a second later, and followed through the frames between.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from containers.common.inside import inside
from tasks.media.bounded import items_bounded
from tasks.media.budget import budget_of
from tasks.media.probe import probe
from tasks.media.sheets import RATE
from tasks.stages.detect.batch import BATCH, detect_batch
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.options import DetectOptions
from tasks.stages.detect.track import GAP, SAME_PLACE, Track
from tasks.stages.output import StageOutput

MOST, LEAST = 0.25, 64  # of the sampled frames so many are looked at again, and so many in any case


def gaps(
    frames: Sequence[FrameFaces], tracks: Sequence[Track], shots: Sequence[float]
) -> list[tuple[float, float]]:
    """Seconds, apart and in order, from the end of a clear track to a later one that may be the same face.

    Those who are most alike first, as far as the frames that may be looked at go.
    """
    faces = {frame.time: frame.faces for frame in frames}
    clear = [track for track in tracks if not track.unclear]
    ends = {track.id: np.array(faces[track.end][track.seen[-1].face].descriptor) for track in clear}
    found: list[tuple[float, float, float]] = []
    for track in clear:
        mine = np.array(faces[track.start][track.seen[0].face].descriptor)
        before = [
            (float(np.linalg.norm(ends[other.id] - mine)), other.end, track.start)
            for other in clear
            if 0 < track.start - other.end <= GAP
            and bisect_right(shots, other.end) == bisect_right(shots, track.start)
        ]
        found += [pair for pair in before if pair[0] <= SAME_PLACE]
    left = max(LEAST, MOST * len(frames)) / RATE
    chosen: list[tuple[float, float]] = []
    for _, start, end in sorted(found):
        joined = _joined([*chosen, (start, end)])
        if sum(end - start for start, end in joined) <= left:
            chosen = joined
    return chosen


def _joined(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def look_between(
    media: Path,
    spans: Sequence[tuple[float, float]],
    seekable: bool,
    folder: Path,
    options: DetectOptions,
    output: StageOutput,
) -> list[FrameFaces]:
    """The faces of the frames within the spans, RATE a second, by time; adds the image's cost to `output`."""
    about = probe(media)
    pictures: Iterator[dict] = items_bounded(
        "between",
        media,
        budget_of(about.size, about.duration, about.pixels),
        spans=spans,
        seekable=seekable,
        folder=str(folder),
    )
    found: list[FrameFaces] = []
    while batch := list(islice(pictures, BATCH)):
        images = [inside(folder, each["image"]) for each in batch]
        uris = [(each["time"], image.as_uri()) for each, image in zip(batch, images, strict=True)]
        found += detect_batch(uris, folder, options, output)
        for image in images:
            image.unlink(missing_ok=True)
    return found
