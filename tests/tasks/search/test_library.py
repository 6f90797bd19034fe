"""An index that somebody else wrote leads a search to no file outside the output folder."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from containers.common.index.found import Filter, Match, SearchResult
from tasks.search.library import Library

MINE = "0123456789abcdef"
OTHERS = ["../private", "/etc", "..", "", "a/b"]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Beside the output folder lies what an asset folder holds, for whoever gets there."""
    private = tmp_path / "private"
    private.mkdir()
    (private / "tags.json").write_text(
        '{"predictions": [{"label": "Secret", "score": 1, "start_time": 0, "end_time": 1}]}'
    )
    (tmp_path / "out").mkdir()
    return Library(tmp_path / "out")


def test_rows_of_no_asset_are_left_out(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matches = [Match(score=1.0, id="x", asset=asset, model="m") for asset in (*OTHERS, MINE)]
    answer = SimpleNamespace(
        value=SearchResult(matches=[matches], version="1")
    )  # what the index in the folder says
    monkeypatch.setattr("tasks.index.ask.invoke", lambda *_: answer)
    ((found,),) = library.nearest("m", [[0.0]], 9, Filter(), tmp_path / "result.json")
    assert found.asset == MINE


@pytest.mark.parametrize("asset", OTHERS[:2])
def test_no_document_of_elsewhere_is_read(library: Library, asset: str) -> None:
    assert library.sounds(asset).predictions == []
    assert library.appearances(asset) == []
    assert library.thumbnail(asset) is None
