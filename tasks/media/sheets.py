"""Faces that move through a film, cut out of it as cells of contact sheets. Runs in the process of
`tasks.media.worker`."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from PIL import Image

from tasks.media.pictures import Shown
from tasks.media.reader import Reader

RATE = 12.5  # frames per second; syllables come at 3 to 8 Hz
CELL = 128  # pixels; the landmark network looks at 112
COLUMNS = 16  # and as many rows
SEEK = 2.0  # seconds: for less it is cheaper to decode on than to seek
Spans = Sequence[tuple[float, float]]


class Course(NamedTuple):
    """Where a face is from `first` to `last`, seconds: `boxes` (x, y, width, height) at `times`."""

    track: int
    first: float
    last: float
    times: list[float]
    boxes: list[list[float]]

    def at(self, time: float) -> list[float] | None:
        """The box there, between the samples by linear interpolation; None where it is not on screen."""
        if not self.first <= time <= self.last:
            return None
        return [float(np.interp(time, self.times, side)) for side in zip(*self.boxes, strict=True)]


class Cell(NamedTuple):
    """One face in a sheet; `width` and `height` in pixels, from the cell's upper left."""

    track: int
    time: float
    width: int
    height: int


class _Face(NamedTuple):
    track: int
    time: float
    picture: Image.Image


def cut_faces(
    path: Path,
    spans: Spans,
    courses: Sequence[Sequence[Any]],
    width: int,
    seekable: bool,
    folder: Path,
    alive: Callable[[float], None] = lambda seconds: None,
) -> Iterator[dict[str, Any]]:
    """Each sheet's `image`, a PNG file in `folder`, and its `cells`, in rows of COLUMNS.

    `spans` are seconds, apart and in order; boxes are pixels of a picture `width` wide. `seekable`: whether
    the container's own times are the media's, so that only the spans need to be decoded.
    """
    faces = _faces(path, spans, [Course(*course) for course in courses], width, seekable, alive)
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    while batch := list(islice(faces, COLUMNS**2)):
        target = folder / f"{number:05d}.png"
        yield {"image": str(target), "cells": _write_sheet(batch, target)}
        number += 1


def _write_sheet(faces: Sequence[_Face], target: Path) -> list[Cell]:
    sheet = Image.new("RGB", (COLUMNS * CELL, -(-len(faces) // COLUMNS) * CELL))
    for place, face in enumerate(faces):
        sheet.paste(face.picture, corner(place))
    target.write_bytes(plain_png(sheet))
    return [Cell(face.track, face.time, *face.picture.size) for face in faces]


def plain_png(picture: Image.Image) -> bytes:
    """An RGB picture as PNG without filters and compression: it is read once, and Pillow, which always
    chooses filters, takes ten times as long."""
    encoder: Any = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = *picture.size, "rgb24", Fraction(1)
    encoder.options = {"pred": "none", "compression_level": "0"}
    frame = av.VideoFrame.from_image(picture)
    return b"".join(map(bytes, [*encoder.encode(frame), *encoder.encode(None)]))


def corner(place: int) -> tuple[int, int]:
    """Of a cell, by its place among the sheet's."""
    return place % COLUMNS * CELL, place // COLUMNS * CELL


def _faces(
    path: Path,
    spans: Spans,
    courses: Sequence[Course],
    width: int,
    seekable: bool,
    alive: Callable[[float], None],
) -> Iterator[_Face]:
    with Reader(path) as reader:
        for picture, time in pictures_of(reader, spans, seekable, alive):
            scale = picture.width / width
            for course in courses:
                box = course.at(time)
                if box is None:
                    continue
                left, top, across, down = box
                edges = np.array([left, top, left + across, top + down]) * scale
                left, top = np.maximum(edges[:2], 0)
                right, bottom = np.minimum(edges[2:], picture.size)
                if right - left < 8 or bottom - top < 8:
                    continue
                fit = CELL / max(right - left, bottom - top)
                size = (max(1, round((right - left) * fit)), max(1, round((bottom - top) * fit)))
                face = picture.resize(size, Image.Resampling.BILINEAR, box=(left, top, right, bottom))
                yield _Face(course.track, time, face)


def pictures_of(
    reader: Reader, spans: Spans, seekable: bool, alive: Callable[[float], None]
) -> Iterator[tuple[Image.Image, float]]:
    """RATE frames per second of each span, and when they are shown; spans are seconds, apart and in order."""
    reached = 0.0
    shown = reader.read(sound=False)
    for start, end in spans:
        if seekable and start - reached > SEEK:
            reader.seek(start)
            shown = reader.read(sound=False)
        due = start
        for each in shown:
            reached = each.time
            alive(reached)
            if reached >= end:
                break
            if isinstance(each, Shown) and reached >= due - 1e-3:
                due = max(due + 1 / RATE, reached)
                yield each.picture(), round(reached, 3)
