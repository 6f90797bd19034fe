"""When a medium was recorded, as far as it says so itself; else its file's time is the best there is.

Cameras write the day into their files: phones with the local clock (QuickTime's creationdate), others in UTC
(creation_time of MP4 and Matroska), sound recorders as a date and a clock (BWF), photographs in EXIF.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

Precision = Literal["second", "day", "month", "year"]
FILE = "file time"
# Names of FFmpeg's metadata in any case, what a device wrote before what a person did.
TAGS = (
    "com.apple.quicktime.creationdate",
    "date_recorded",
    "creation_time",
    "date",
    "originaldate",
    "year",
)
UNSET = ("1904-01-01", "1970-01-01")  # a clock of QuickTime, or of Unix, that was never set
EARLIEST = 1860  # the year of the first sound that can be played
AHEAD = timedelta(days=1)  # that a clock may be fast
# EXIF 2.32, table 8: the original's and the digitised one's time and offset
EXIF, EXIF_TIMES = 0x8769, ((0x9003, 0x9011, "DateTimeOriginal"), (0x9004, 0x9012, "DateTimeDigitized"))
_WHEN = re.compile(
    r"\s*(?P<year>\d{4})(?:[-:./](?P<month>\d{1,2})(?:[-:./](?P<day>\d{1,2}))?)?"
    r"(?:[T ]+(?P<clock>\d{1,2}:\d{2}(?::\d{2})?)(?:[.,]\d+)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?)?\s*"
)
_CLOCK = re.compile(r"\d{1,2}:\d{2}:\d{2}")


class Recorded(BaseModel):
    """`at` has the camera's own offset where it says one; where not, this machine's."""

    at: AwareDatetime
    precision: Precision = "second"
    by: str = Field(description=f"the tag that says so, or '{FILE}' where none does")


def from_tags(tables: Iterable[Mapping[str, str]]) -> Recorded | None:
    """Of the metadata of a container and its streams, as FFmpeg names them."""
    found: dict[str, str] = {}
    for table in tables:
        for name, value in table.items():
            found.setdefault(name.lower(), value)
    for tag in TAGS:
        text = found.get(tag, "")
        clock = found.get("creation_time", "")
        if tag == "date" and _CLOCK.fullmatch(clock):  # BWF
            text = f"{text} {clock}"
        if recorded := _read(text, tag):
            return recorded
    return None


def from_exif(exif: Any) -> Recorded | None:
    """Of `Image.Exif`."""
    own = exif.get_ifd(EXIF)
    for time, offset, name in EXIF_TIMES:
        zone = str(own.get(offset) or "").strip("\0 ")
        text = str(own.get(time) or "").strip("\0 ")
        if recorded := _read(text + zone, f"EXIF {name}") or _read(text, f"EXIF {name}"):
            return recorded
    return None


def from_file(modified: float) -> Recorded:
    """`modified` in seconds of Unix."""
    return Recorded(at=datetime.fromtimestamp(modified, UTC).astimezone(), by=FILE)


def _read(text: str, by: str) -> Recorded | None:
    found = _WHEN.fullmatch(text)
    if not found or (not found["day"] and found["clock"]):
        return None
    precision: Precision = "year"
    if found["month"]:
        precision = "second" if found["clock"] else "day" if found["day"] else "month"
    clock = (found["clock"] or "00:00:00").split(":")
    try:
        day = f"{found['year']}-{int(found['month'] or 1):02}-{int(found['day'] or 1):02}"
        zone = (found["zone"] or "").replace("Z", "+00:00")
        at = datetime.fromisoformat(f"{day}T{int(clock[0]):02}:{':'.join([*clock[1:], '00'][:2])}{zone}")
        at = at if zone and found["zone"] != "Z" else at.astimezone()
    except (ValueError, OverflowError, OSError):
        return None
    if day in UNSET or at.year < EARLIEST or at > datetime.now(UTC) + AHEAD:
        return None
    return Recorded(at=at, precision=precision, by=by)
