"""`python -m flows.quality OUT`: a whole store checked again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flows.analyze.board import Board
from flows.analyze.flow import keep_out
from flows.analyze.stages import Stages
from flows.local_server import TEMPORARY
from tasks.asset import Asset
from tasks.checks.verdicts import BrokenRow, Quality, Verdict

ROOT = Path(__file__).parents[2]


def quality(output: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.quality", str(output)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.slow
def test_a_store_that_was_tampered_with(demo, tmp_path):
    output, _ = demo
    (folder,) = [path.parent for path in output.glob("*/manifest.json")]
    store = tmp_path / "store"
    for name in ("first", "second"):
        (store / name).parent.mkdir(exist_ok=True)
        (store / name).symlink_to(folder)
    good = quality(store)
    assert (good.returncode, good.stderr) == (0, "")
    assert "0 critical and 0 others broken" in good.stdout

    (store / "second").unlink()
    (store / "second").mkdir()
    for path in folder.iterdir():
        if path.is_file():
            (store / "second" / path.name).write_bytes(path.read_bytes())
    faces = json.loads((store / "second/faces.json").read_bytes())
    faces["frames"][0]["faces"][0]["detection"]["box"]["x"] = 5000
    (store / "second/faces.json").write_text(json.dumps(faces))
    bad = quality(store)
    assert bad.returncode == 1
    assert "faces of second break 'A face's box reaches into the frame from the right.'" in bad.stdout
    assert "of second break 'A file has the content that the manifest says.'" in bad.stdout
    page = Path(bad.stdout.strip().rsplit(": ", 1)[1])
    assert "Data Docs" in page.read_text()


def test_an_output_folder_without_assets_is_one_sentence(tmp_path):
    done = quality(tmp_path)
    assert (done.returncode, done.stderr) == (1, f"There is no asset folder in {tmp_path}.\n")


def test_a_broken_critical_rule_keeps_an_asset_out_of_the_index(tmp_path, monkeypatch):
    monkeypatch.setenv(TEMPORARY, "1")
    row = BrokenRow(asset="a1", row=3, values={"finite": False})
    verdict = Verdict(
        table="embeddings",
        rule="A vector's numbers are finite.",
        severity="critical",
        checked=9,
        broken=1,
        rows=[row],
    )
    stages = Stages(Asset(output=tmp_path, id="a1"), {}, Board())
    assert keep_out(stages, Quality(verdicts=[verdict]))
    (failed,) = stages.board.failed
    assert failed.reason == (
        "Kept out of the index: 1 of 9 embeddings of a1 break 'A vector's numbers are finite.' "
        "(row 3: {'finite': False})."
    )
    assert not keep_out(stages, Quality(verdicts=[verdict.model_copy(update={"severity": "warning"})]))
    assert keep_out(stages, None), "what could not be checked stays out too"
