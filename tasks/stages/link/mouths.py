"""Mouths of tracked faces while somebody speaks: a second, partial pass over the video, closer in time.

Only the spans asked for are decoded, and of each frame only the tracked faces are kept, as cells of contact
sheets whose landmarks the faceapi image finds.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from containers.faceapi.contract import Box, DetectRequest, DetectResult
from tasks.calls.invoke import invoke
from tasks.media.pictures import Shown
from tasks.media.reader import Reader
from tasks.stages.detect.track import Track
from tasks.stages.output import StageOutput

RATE = 12.5  # frames per second; syllables come at 3 to 8 Hz
CELL = 128  # pixels; the landmark network looks at 112
COLUMNS = 16
SHEETS = 2  # contact sheets a call
SEEK = 2.0  # seconds: for less it is cheaper to decode on than to seek
# iBUG 300-W: the inner lips' middle three pairs, and the outer corners of the eyes.
UPPER, LOWER, EYES = [61, 62, 63], [67, 66, 65], [36, 45]


class Mouth(NamedTuple):
    """How far a track's mouth is open, in distances between its eyes."""

    track: int
    time: float  # seconds
    opening: float


class _Cell(NamedTuple):
    track: int
    time: float
    face: Image.Image


class Following:
    """Where each track's face is between the sampled frames, by linear interpolation."""

    def __init__(self, tracks: Sequence[Track], shots: Sequence[float], hold: float) -> None:
        """`hold`: seconds that a face is taken to stay before its first and after its last sample."""
        self._paths = []
        for track in tracks:
            times = np.array([seen.time for seen in track.seen])
            boxes = np.array([list(seen.box.model_dump().values()) for seen in track.seen])
            first = max(track.start - hold, shots[bisect_right(shots, track.start) - 1] if shots else 0.0)
            after = bisect_right(shots, track.end)
            last = min(track.end + hold, shots[after] - 1e-3 if after < len(shots) else np.inf)
            self._paths.append((track.id, first, last, times, boxes))

    def at(self, time: float) -> Iterator[tuple[int, Box]]:
        """Track and box of every face on screen."""
        for track, first, last, times, boxes in self._paths:
            if first <= time <= last:
                x, y, width, height = (float(np.interp(time, times, side)) for side in boxes.T)
                yield track, Box(x=x, y=y, width=width, height=height)

    def during(self, start: float, end: float) -> set[int]:
        """Tracks on screen at some time of a span."""
        return {track for track, first, last, *_ in self._paths if first < end and last > start}


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
    cells = _cut_faces(media, spans, following, width, seekable)
    # One call is under way while the faces of the next are cut out.
    with ThreadPoolExecutor(1) as thread:
        while batch := list(islice(cells, SHEETS * COLUMNS**2)):
            if waiting:
                found += waiting.result()
            waiting = thread.submit(copy_context().run, _measure, batch, folder, output)
        return found + waiting.result() if waiting else found


def _cut_faces(
    media: Path, spans: Sequence[tuple[float, float]], following: Following, width: int, seekable: bool
) -> Iterator[_Cell]:
    with Reader(media) as reader:
        for picture, time in _pictures(reader, spans, seekable):
            scale = picture.width / width
            for track, box in following.at(time):
                edges = np.array([box.x, box.y, box.x + box.width, box.y + box.height]) * scale
                left, top = np.maximum(edges[:2], 0)
                right, bottom = np.minimum(edges[2:], picture.size)
                if right - left < 8 or bottom - top < 8:
                    continue
                fit = CELL / max(right - left, bottom - top)
                size = (max(1, round((right - left) * fit)), max(1, round((bottom - top) * fit)))
                face = picture.resize(size, Image.Resampling.BILINEAR, box=(left, top, right, bottom))
                yield _Cell(track, time, face)


def _pictures(
    reader: Reader, spans: Sequence[tuple[float, float]], seekable: bool
) -> Iterator[tuple[Image.Image, float]]:
    """RATE frames per second of each span."""
    reached = 0.0
    shown = reader.read(sound=False)
    for start, end in spans:
        if seekable and start - reached > SEEK:
            reader.seek(start)
            shown = reader.read(sound=False)
        due = start
        for each in shown:
            reached = each.time
            if reached >= end:
                break
            if isinstance(each, Shown) and reached >= due - 1e-3:
                due = max(due + 1 / RATE, reached)
                yield each.picture(), round(reached, 3)


def _measure(cells: Sequence[_Cell], folder: Path, output: StageOutput) -> list[Mouth]:
    """The faceapi image's landmarks of all cells, on contact sheets of 16 x 16."""
    folder.mkdir(parents=True, exist_ok=True)
    images, boxes = [], []
    for first in range(0, len(cells), COLUMNS**2):
        batch = cells[first : first + COLUMNS**2]
        rows = -(-len(batch) // COLUMNS)
        sheet = Image.new("RGB", (COLUMNS * CELL, rows * CELL))
        places = []
        for number, cell in enumerate(batch):
            x, y = number % COLUMNS * CELL, number // COLUMNS * CELL
            sheet.paste(cell.face, (x, y))
            places.append(Box(x=x, y=y, width=cell.face.width, height=cell.face.height))
        path = folder / f"{len(images)}.png"
        sheet.save(path, compress_level=1)
        images.append(path.as_uri())
        boxes.append(places)
    request = DetectRequest(images=images, boxes=boxes, result_uri=(folder / "shapes.json").as_uri())
    answer = invoke("faceapi", request, DetectResult)
    output.add_cost(answer)
    shapes = [shape for picture in answer.value.images for shape in picture.shapes]
    return [
        Mouth(cell.track, cell.time, measure_opening(shape))
        for cell, shape in zip(cells, shapes, strict=True)
    ]


def measure_opening(shape: Sequence[tuple[float, float]]) -> float:
    """Mean distance of the inner lips over that of the eyes' outer corners, of 68 landmarks."""
    points = np.array(shape)
    gap = np.linalg.norm(points[UPPER] - points[LOWER], axis=1).mean()
    return float(gap / max(np.linalg.norm(points[EYES[1]] - points[EYES[0]]), 1e-6))
