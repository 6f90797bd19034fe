"""Subtitles by the book of real speech: the recordings of a `dataset.toml` that MEDIAFLOW_REAL_DATA names."""

import os
import tomllib
from collections import defaultdict
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import pytest

from containers.common.documents.speech import Transcript
from containers.common.image import image
from tasks.outputs.formats.write import plain
from tasks.outputs.subtitles import to_srt, to_vtt
from tests.tasks.outputs.guide import faults

FILES = 20  # as many of each language as there are
pytestmark = [pytest.mark.soak, pytest.mark.slow]


def recordings() -> list[tuple[Path, str]]:
    """Path and language; those in which people switch are left out, a guide is a language's own."""
    folder = os.environ.get("MEDIAFLOW_REAL_DATA")
    if not folder:
        return []
    items = tomllib.loads(Path(folder, "dataset.toml").read_text(encoding="utf-8"))["item"]
    by_language: dict[str, list[tuple[Path, str]]] = defaultdict(list)
    for item in items:
        if "," not in (language := item.get("language") or ","):
            by_language[language].append((Path(folder, item["media"]), language))
    turns = chain.from_iterable(zip_longest(*by_language.values()))
    return [found for found in turns if found][:FILES]


@pytest.mark.skipif(not recordings(), reason="MEDIAFLOW_REAL_DATA names no recordings")
@pytest.mark.parametrize(("path", "language"), recordings(), ids=lambda given: Path(given).stem)
def test_the_guide_finds_nothing(path: Path, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from containers.whisperx.app import handler

    for name, value in image("whisperx").environment.items():
        monkeypatch.setenv(name, value)
    answer: Any = handler({"audio": path.as_uri(), "language": language}, None)
    transcript = plain(Transcript.model_validate(answer["result"]))
    words = [word.word for segment in transcript.segments for word in segment.words]
    assert words and transcript.duration
    for content in (to_srt(transcript), to_vtt(transcript)):
        assert faults(content, language, words, transcript.duration) == []
