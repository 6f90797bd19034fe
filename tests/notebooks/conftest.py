"""A few items of the starter data set, and images that several notebooks share."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.runs.images import running_images
from tasks.evaluation.starter import build_starter

KEPT = (
    "speech/1 clean.flac",
    "speech/1 street, 5 dB.flac",
    "call/clean.flac",
    *(f"sounds/{name} 1.flac" for name in ("speech", "music", "a fan")),
    "video/talk.mp4",
    *(f"faces/sample3 {change}.jpg" for change in ("as it is", "a third of the size", "dark")),
)


@pytest.fixture(scope="session")
def starter(demo_video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_starter(tmp_path_factory.mktemp("starter"), demo_video)


@pytest.fixture(scope="session")
def few(starter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten of the starter's items: as somebody writes a data set of their own, with a few queries."""
    folder = tmp_path_factory.mktemp("few")
    lines = (starter / "items.jsonl").read_text(encoding="utf-8").splitlines()
    items = [item for item in map(json.loads, lines) if item["media"] in KEPT]
    for item in items:
        for name in {"media", "transcript", "turns", "clean", "on_screen"} & item.keys():
            item[name] = str(starter / item[name])
        item["id"] = Path(item["media"]).stem
    (folder / "items.jsonl").write_text("\n".join(map(json.dumps, items)), encoding="utf-8")
    vectors = f'[[vectors]]\nfile = "{starter / "vectors.parquet"}"\nmodel = "drawn"\nqueries = 60\n'
    (folder / "dataset.toml").write_text(f'name = "few"\nitems = "items.jsonl"\n{vectors}')
    return folder


@pytest.fixture(scope="module", autouse=True)
def images_of_a_notebook(own_images: None) -> None:
    """Its page would show what it waits for."""


@pytest.fixture(scope="module")
def images(own_images: None) -> Iterator[None]:
    with running_images():
        yield
