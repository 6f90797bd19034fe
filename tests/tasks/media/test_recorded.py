"""When a medium was recorded: what cameras, recorders and people write into files, and the file's time."""

import os
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tasks.media.probe import probe
from tasks.media.recorded import FILE, from_tags

KOREA = "2026-03-01T00:30:00+09:00"


@pytest.mark.parametrize(
    ("tags", "at", "precision", "by"),
    [
        (
            {
                "creation_time": "2026-02-28T15:30:00.000000Z",
                "com.apple.quicktime.creationdate": "2026-03-01T00:30:00+0900",
            },
            KOREA,
            "second",
            "com.apple.quicktime.creationdate",
        ),
        ({"creation_time": "2026-02-28T15:30:00.000000Z"}, KOREA, "second", "creation_time"),
        ({"date": "2019-05-03", "creation_time": "12:34:56"}, "2019-05-03T12:34:56", "second", "date"),  # BWF
        ({"DATE": "2019-05-03"}, "2019-05-03", "day", "date"),  # Vorbis
        ({"date": "1998"}, "1998-01-01", "year", "date"),
        ({"date": "1998-07"}, "1998-07-01", "month", "date"),
        ({"date": "1955-03-01", "creation_time": "1904-01-01T00:00:00Z"}, "1955-03-01", "day", "date"),
        ({"creation_time": "2026-02-28 15:30:00"}, "2026-02-28T15:30:00", "second", "creation_time"),
    ],
)
def test_what_tags_say(tags: dict[str, str], at: str, precision: str, by: str) -> None:
    recorded = from_tags([tags])
    expected = datetime.fromisoformat(at)
    assert recorded and (recorded.precision, recorded.by) == (precision, by)
    assert recorded.at == (expected if expected.tzinfo else expected.astimezone())


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "0000-00-00",
            "1904-01-01T00:00:00Z",
            "1970-01-01T00:00:00.000000Z",
            "2026-13-01",
            "2026-02-30",
        ),
        *("9999-01-01", "soon", "12", "2026-02-28T25:00:00Z", "0001-01-01", "\u0662\u0660\u0662\u0666"),
    ],
)
def test_a_clock_that_was_never_set_and_nonsense_say_nothing(text: str) -> None:
    assert from_tags([{"creation_time": text, "date": text}]) is None


def test_the_first_that_says_something(tmp_path: Path) -> None:
    assert from_tags([{"title": "talk"}, {"creation_time": "2026-02-28T15:30:00Z"}]) is not None


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        container.metadata["creation_time"] = "2021-06-05T10:00:00Z"
        stream = container.add_stream("h264", rate=10, width=64, height=48, pix_fmt="yuv420p")
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))))
        container.mux(stream.encode(None))
    return path


def test_a_film_says_it_itself_whatever_its_file_s_time(film: Path) -> None:
    os.utime(film, (0, 1_700_000_000))
    recorded = probe(film).recorded
    assert recorded and recorded.at == datetime(2021, 6, 5, 10, tzinfo=UTC)
    assert recorded.by == "creation_time"


def test_a_photograph_says_it_in_exif(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    picture, exif = Image.new("RGB", (64, 48)), Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "2026:03:01 00:30:00", 0x9011: "+09:00"})
    picture.save(path, exif=exif)
    recorded = probe(path).recorded
    assert recorded and recorded.at.isoformat() == KOREA
    assert recorded.by == "EXIF DateTimeOriginal"


def test_the_file_s_time_is_the_last_resort_and_called_so(tmp_path: Path) -> None:
    path = tmp_path / "plain.png"
    Image.new("RGB", (64, 48)).save(path)
    os.utime(path, (0, 1_700_000_000))
    recorded = probe(path).recorded
    assert recorded and (recorded.at.timestamp(), recorded.by) == (1_700_000_000, FILE)
