"""The clicks of `label_people`, without a browser: the buttons' own handlers, one after another."""

from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from tasks.outputs.embeddings import write_embeddings
from tasks.people.edit import list_people

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "explore" / "label_people.ipynb"


def face(who: int, track: int) -> dict[str, Any]:
    vector = 0.7 * np.eye(128)[who] + 0.001 * np.eye(128)[127 - track]
    about = {"kind": "face", "track": track, "time": 2.0 * track, "shown": [2.0 * track, 2.0 * track + 1]}
    return {"model": "faceapi", "vector": vector.tolist(), "metadata": about | {"samples": 9 - track}}


def opened(output: Path) -> dict[str, Any]:
    """What the notebook's cells define."""
    names: dict[str, Any] = {}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code":
            exec(cell.source.replace('"../../out"', repr(str(output))), names)
    return names


def press(names: dict[str, Any], description: str) -> None:
    next(button for button in names["buttons"] if button.description == description).click()


def people(output: Path) -> list[list[str]]:
    groups = [[each.label for each in group.appearances] for group in list_people(output) if not group.hidden]
    return sorted(sorted(group) for group in groups)


def test_who_is_not_this_person_is_parted_put_together_hidden_and_taken_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asset = tmp_path / ("a" * 16)
    asset.mkdir()
    write_embeddings(asset / "embeddings.parquet", asset.name, [face(0, 0), face(0, 1), face(9, 2)])
    (asset / "manifest.json").write_text("{}")
    names = opened(tmp_path)
    names["cards"]["aaaaaaaa:face0"][3].value = "aaaaaaaa:face1"
    press(names, "Not this person")
    assert people(tmp_path) == [["face0"], ["face1"], ["face2"]]
    names = opened(tmp_path)
    for who in ("id:p1", "aaaaaaaa:face2"):
        names["cards"][who][2].value = True
    press(names, "These are one")
    assert people(tmp_path) == [["face0", "face2"], ["face1"]]
    press(names, "Undo")
    assert people(tmp_path) == [["face0"], ["face1"], ["face2"]]
    names["cards"]["aaaaaaaa:face2"][2].value = False
    press(names, "Hide")
    assert people(tmp_path) == [["face1"], ["face2"]]
    assert "Nobody" not in capsys.readouterr().out
