"""What Papermill is asked for; whole evaluations are in tests/notebooks."""

from pathlib import Path

import nbformat
import pytest

from containers.common.errors import UserError
from tasks.evaluation import notebook
from tasks.evaluation.notebook import AS_RUN, run_notebook

pytestmark = pytest.mark.slow
LATE = """
import time
from atexit import register
from pathlib import Path
register(Path(run, "said goodbye").touch)
handlers = get_ipython().kernel.shell_handlers
answer = handlers["kernel_info_request"]

async def and_rest(*asked):
    await answer(*asked)
    time.sleep(0.5)

handlers["kernel_info_request"] = and_rest
"""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`runs(*cells)`: a notebook of these, run in a folder that is returned."""
    monkeypatch.setattr(notebook, "NOTEBOOKS", tmp_path)

    def run(*cells: str) -> Path:
        parameters = nbformat.v4.new_code_cell("run = ''", metadata={"tags": ["parameters"]})
        content = nbformat.v4.new_notebook(cells=[parameters, *map(nbformat.v4.new_code_cell, cells)])
        content.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
        nbformat.write(content, tmp_path / "small.ipynb")
        return run_notebook.fn("small", tmp_path / "ran", {}, "Small").folder

    return run


def test_a_kernel_that_has_hardly_answered_ends_in_peace(runs, capfd: pytest.CaptureFixture[str]) -> None:
    """It takes a while over what Papermill asks at the end; nothing is on standard error."""
    ran = runs(LATE)
    assert "Small" in (ran / "report.html").read_text(encoding="utf-8")
    assert capfd.readouterr().err == ""
    assert (ran / "said goodbye").exists()


def test_a_cell_that_fails_is_one_sentence_and_the_notebook_is_kept(runs, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^Cell 3 of small.ipynb failed: ZeroDivisionError: division"):
        runs("1 / 0", "print('never')")
    kept = nbformat.read(tmp_path / "ran.failed" / AS_RUN, as_version=4)
    assert "never" not in str([cell.get("outputs") for cell in kept.cells])
