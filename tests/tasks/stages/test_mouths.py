"""Mouths of followed faces: which pictures of them are looked at, and what comes back."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from containers.common import storage
from containers.common.errors import MediaError
from tasks.media import sheets
from tasks.stages.link import mouths
from tasks.stages.link.mouths import LOWER, UPPER, Following, watch_mouths
from tasks.stages.output import StageOutput

COUNT = 11  # faces, four a call


@pytest.fixture
def faces(monkeypatch) -> None:
    """Grey faces, the first darkest, four of them a call."""
    monkeypatch.setattr(sheets, "COLUMNS", 2)
    monkeypatch.setattr(mouths, "SHEETS", 1)

    def faces(*_: object):
        for number in range(COUNT):
            grey = (10 * number,) * 3
            yield sheets._Face(number % 3, float(number), Image.new("RGB", (100, 128), grey))

    def cut(name: str, path: Path, budget: object, folder: str, **_: object):
        yield from sheets.cut_faces(path, [], [], 640, True, Path(folder))

    monkeypatch.setattr(sheets, "_faces", faces)
    monkeypatch.setattr(mouths, "items_bounded", cut)
    monkeypatch.setattr(mouths, "probe", lambda path: SimpleNamespace(size=1, duration=9.0, pixels=1))


def watch(folder: Path) -> list[mouths.Mouth]:
    following = Following([], [], 1.0)
    return watch_mouths(Path("talk.mp4"), [(0.0, 9.0)], following, 640, True, folder, StageOutput())


def shape_of(opening: float) -> list[tuple[float, float]]:
    """Eyes one apart, lips `opening`."""
    points = [(0.0, 0.0)] * 68
    points[45] = (1.0, 0.0)
    for upper, lower in zip(UPPER, LOWER, strict=True):
        points[upper], points[lower] = (0.0, 0.0), (0.0, opening)
    return points


def test_every_mouth_comes_back_in_order_over_several_calls(faces, monkeypatch, tmp_path) -> None:
    calls = []

    def look(_: str, request, __: type) -> SimpleNamespace:
        time.sleep(0.05)  # meanwhile the next faces are cut out
        pages = [Image.open(storage.local_path(uri)) for uri in request.images]
        seen = [
            [shape_of(sheet.getpixel((box.x + 50, box.y + 50))[0]) for box in boxes]
            for sheet, boxes in zip(pages, request.boxes, strict=True)
        ]
        calls.append(sum(map(len, seen)))
        pictures = [SimpleNamespace(shapes=shapes) for shapes in seen]
        return SimpleNamespace(value=SimpleNamespace(images=pictures))

    monkeypatch.setattr(mouths, "invoke", look)
    monkeypatch.setattr(StageOutput, "add_cost", lambda *_: None)
    found = watch(tmp_path)
    assert calls == [4, 4, 3]
    assert [(mouth.track, mouth.time, mouth.opening) for mouth in found] == [
        (number % 3, number, 10 * number) for number in range(COUNT)
    ]


def test_what_the_image_refuses_is_told(faces, monkeypatch, tmp_path) -> None:
    def refuse(*_: object) -> None:
        raise MediaError("0.png is empty.")

    monkeypatch.setattr(mouths, "invoke", refuse)
    with pytest.raises(MediaError, match=r"0\.png is empty"):
        watch(tmp_path)
