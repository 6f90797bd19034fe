"""Mouths of tracked faces while somebody speaks: a second, partial pass over the video, closer in time.

Only the spans asked for are decoded, in a process of its own as all decoding, and of each frame only the
tracked faces are kept, as cells of contact sheets whose landmarks the faceapi image finds.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from containers.common.inside import inside
from containers.faceapi.contract import Box, DetectRequest, DetectResult
from tasks.calls.invoke import invoke
from tasks.media.bounded import items_bounded
from tasks.media.budget import budget_of
from tasks.media.probe import probe
from tasks.media.sheets import Cell, Course, corner
from tasks.stages.detect.track import Track
from tasks.stages.output import StageOutput

SHEETS = 2  # contact sheets a call
# iBUG 300-W: the inner lips' middle three pairs, and the outer corners of the eyes.
UPPER, LOWER, EYES = [61, 62, 63], [67, 66, 65], [36, 45]


class Mouth(NamedTuple):
    """How far a track's mouth is open, in distances between its eyes."""

    track: int
    time: float  # seconds
    opening: float


Sheet = dict[str, Any]  # as tasks.media.sheets.cut_faces gives it


class Following:
    """Where each track's face is between the sampled frames, by linear interpolation."""

    def __init__(self, tracks: Sequence[Track], shots: Sequence[float], hold: float) -> None:
        """`hold`: seconds that a face is taken to stay before its first and after its last sample."""
        self.courses: list[Course] = []
        for track in tracks:
            times = [seen.time for seen in track.seen]
            boxes = [list(seen.box.model_dump().values()) for seen in track.seen]
            first = max(track.start - hold, shots[bisect_right(shots, track.start) - 1] if shots else 0.0)
            after = bisect_right(shots, track.end)
            last = min(track.end + hold, shots[after] - 1e-3 if after < len(shots) else np.inf)
            self.courses.append(Course(track.id, first, last, times, boxes))

    def during(self, start: float, end: float) -> set[int]:
        """Tracks on screen at some time of a span."""
        return {course.track for course in self.courses if course.first < end and course.last > start}


def watch_mouths(
    media: Path,
    spans: Sequence[tuple[float, float]],
    following: Following,
    width: int,
    seekable: bool,
    folder: Path,
    output: StageOutput,
) -> list[Mouth]:
    """Openings of all mouths on screen in the spans, by time; spans are seconds, apart and in order.

    Boxes are pixels of a picture `width` wide. `seekable`: whether the container's own times are the media's,
    so that only the spans need to be decoded. The image's cost is added to `output`; sheets go to `folder`.
    """
    found: list[Mouth] = []
    waiting: Future[list[Mouth]] | None = None
    about = probe(media)
    given = {"spans": spans, "courses": following.courses, "width": width}
    given |= {"seekable": seekable, "folder": str(folder)}
    budget = budget_of(about.size, about.duration, about.pixels)
    sheets: Iterator[Sheet] = items_bounded("faces", media, budget, **given)
    # One call is under way while the faces of the next are cut out.
    with ThreadPoolExecutor(1) as thread:
        while batch := list(islice(sheets, SHEETS)):
            if waiting:
                found += waiting.result()
            waiting = thread.submit(copy_context().run, _measure, batch, folder, output)
        return found + waiting.result() if waiting else found


def _measure(sheets: Sequence[Sheet], folder: Path, output: StageOutput) -> list[Mouth]:
    """The faceapi image's landmarks of all cells."""
    cells = [Cell(*cell) for sheet in sheets for cell in sheet["cells"]]
    boxes = [
        [Box(x=x, y=y, width=width, height=height) for x, y, width, height in _places(sheet)]
        for sheet in sheets
    ]
    images = [inside(folder, sheet["image"]) for sheet in sheets]
    uris = [image.as_uri() for image in images]
    request = DetectRequest(images=uris, boxes=boxes, result_uri=(folder / "shapes.json").as_uri())
    answer = invoke("faceapi", request, DetectResult)
    output.add_cost(answer)
    for image in images:
        image.unlink(missing_ok=True)
    shapes = [shape for picture in answer.value.images for shape in picture.shapes]
    return [
        Mouth(cell.track, cell.time, measure_opening(shape))
        for cell, shape in zip(cells, shapes, strict=True)
    ]


def _places(sheet: Sheet) -> Iterator[tuple[int, int, int, int]]:
    for place, cell in enumerate(sheet["cells"]):
        yield (*corner(place), *Cell(*cell)[2:])


def measure_opening(shape: Sequence[tuple[float, float]]) -> float:
    """Mean distance of the inner lips over that of the eyes' outer corners, of 68 landmarks."""
    points = np.array(shape)
    gap = np.linalg.norm(points[UPPER] - points[LOWER], axis=1).mean()
    return float(gap / max(np.linalg.norm(points[EYES[1]] - points[EYES[0]]), 1e-6))
