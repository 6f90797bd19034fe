"""Notebooks run from top to bottom and are kept without outputs."""

from pathlib import Path

import nbformat
import papermill
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").rglob("*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_outputs_are_kept(notebook: Path) -> None:
    cells = nbformat.read(notebook, as_version=4).cells
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in cells)


@pytest.mark.slow
def test_an_asset_is_opened(demo: tuple[Path, str], tmp_path: Path) -> None:
    notebook = NOTEBOOKS[0].parent / "open_asset.ipynb"
    done = papermill.execute_notebook(
        notebook,
        tmp_path / "done.ipynb",
        {"asset": str(demo[0])},
        progress_bar=False,
        cwd=NOTEBOOKS[0].parents[1],
    )
    outputs = str([cell.get("outputs") for cell in done.cells])
    assert "SPEAKER_01" in outputs
    assert "image/png" in outputs
