"""Versions of an index that another version of this project wrote, or that are damaged."""

import json
from pathlib import Path

import pytest

from containers.common.errors import StorageError
from containers.common.index import versions


def written(folder: Path, content: str) -> str:
    (folder / "v000001").mkdir()
    (folder / "v000001" / "manifest.json").write_text(content)
    (folder / "current").write_text(json.dumps({"version": "v000001"}))
    return folder.as_uri()


def test_a_newer_one_is_refused_with_a_sentence(tmp_path: Path) -> None:
    uri = written(tmp_path, json.dumps({"format": 2, "rings": 7}))
    with pytest.raises(StorageError, match=r"newer version of this project \(format 2, this one reads 1\)"):
        versions.current(uri)


@pytest.mark.parametrize("content", ["", "{}", "null", "[1]", '{"format": 1}', '{"format": "x"}'])
def test_one_that_is_damaged_is_a_sentence(content: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is no version's manifest"):
        versions.current(written(tmp_path, content))
