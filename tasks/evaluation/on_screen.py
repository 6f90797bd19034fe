"""Who is seen in a video, where, and whether they speak: truth in the format of AVA-ActiveSpeaker.

J. Roth et al., AVA Active Speaker, ICASSP 2020: CSV without a header, a row a face and time: video, seconds,
x1, y1, x2, y2 (0 to 1 of the picture's width and height), label, entity. Labels: NOT_SPEAKING,
SPEAKING_AUDIBLE, SPEAKING_NOT_AUDIBLE. A row without a box (corners empty) says that nobody is seen then. An
entity that ends with a question mark may be another one's person, and is compared with none.
"""

import csv
import math
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from containers.common.errors import UserError

LABELS = ("NOT_SPEAKING", "SPEAKING_AUDIBLE", "SPEAKING_NOT_AUDIBLE")
WANTED = "video,seconds,x1,y1,x2,y2,label,entity is wanted, corners from 0 to 1, label one of " + ", ".join(
    LABELS
)


class SeenFace(NamedTuple):
    """`box`: x, y, width and height, 0 to 1 of the picture."""

    box: tuple[float, float, float, float]
    person: str
    speaks: bool


OnScreen = dict[float, list[SeenFace]]  # by seconds, rising


def read_on_screen(path: Path, video: str | None = None) -> OnScreen:
    """Every time that was marked, and the faces at it. Of a file about several videos `video`'s rows count.

    Raises UserError that names the file and the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file), 1) if row]
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{path.name} cannot be read: {str(error).splitlines()[0]}.") from None
    names = list(dict.fromkeys(row[0] for _, row in rows))
    if video is not None and len(names) > 1:
        if video not in names:
            raise UserError(f"{path.name} is about {', '.join(names[:3])} and others, none is '{video}'.")
        rows = [(number, row) for number, row in rows if row[0] == video]
    found: defaultdict[float, list[SeenFace]] = defaultdict(list)
    for number, row in rows:
        seconds, face = _read(path, number, row)
        found[seconds] += [face] if face else []
    if not found:
        raise UserError(f"{path.name} marks nothing.")
    return dict(sorted(found.items()))


def _read(path: Path, number: int, row: list[str]) -> tuple[float, SeenFace | None]:
    try:
        seconds, *corners = (float(each or 0) for each in row[1:6])
        x1, y1, x2, y2 = corners
        known = all(map(math.isfinite, (seconds, *corners))) and seconds >= 0
        if known and not any(corners):
            return seconds, None
        label, person = row[6].strip(), row[7].strip()
    except (ValueError, IndexError):
        raise UserError(f"{path.name}, line {number}: {WANTED}.") from None
    inside = 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1
    if not known or not inside or label not in LABELS or not person:
        raise UserError(f"{path.name}, line {number}: {WANTED}.")
    return seconds, SeenFace((x1, y1, x2 - x1, y2 - y1), person, label == "SPEAKING_AUDIBLE")
