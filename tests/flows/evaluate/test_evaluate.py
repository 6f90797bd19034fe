"""`python -m flows.evaluate`: what is printed, and one sentence for every mistake."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from containers.common.errors import UserError
from flows.evaluate import flow
from flows.evaluate.__main__ import main
from flows.evaluate.flow import chosen_kinds
from tasks.evaluation.dataset import read_dataset
from tasks.evaluation.notebook import RanNotebook
from tasks.evaluation.run import finished_runs
from tasks.media.demo import sample_speech

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.usefixtures("own_images")


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """A data set of one recording, half of it with a truth for sounds."""
    folder = tmp_path / "calls"
    folder.mkdir()
    media = f'[[item]]\nmedia = "{sample_speech()}"\nsounds = ["Speech"]\n'
    (folder / "dataset.toml").write_text(f'name = "calls"\n{media}')
    return folder


def test_all_is_what_there_is_truth_for(calls: Path) -> None:
    dataset = read_dataset(calls)
    assert chosen_kinds(dataset, [], calls) == ["tagging", "speed"]
    with pytest.raises(UserError, match=r"has nothing for faces: no item has faces\.$"):
        chosen_kinds(dataset, ["faces"], calls)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tagging", "--data", "nowhere"], "There is no data set: nowhere/dataset.toml does not exist."),
        (["compare", "one", "two"], f"{ROOT / 'one'} holds no finished evaluation."),
    ],
)
def test_a_mistake_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(arguments) == 1
    assert capsys.readouterr().err.strip() == sentence


@pytest.mark.parametrize("arguments", [["taging"], ["compare", "one"], ["tagging", "--options", "[1]"]])
def test_wrong_usage_is_told_by_the_parser(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def test_what_the_good_kinds_found_is_told_when_one_fails(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it goes, and before the sentence of what failed."""
    outcomes = {
        "tagging": RanNotebook(folder=tmp_path / "tagging" / "1"),
        "speed": UserError("The image 'audioset' ended."),
    }

    def named(task_run_name: str):
        found = SimpleNamespace(result=lambda raise_on_failure: outcomes[task_run_name])
        return lambda *arguments, return_state: found

    monkeypatch.setattr(flow, "run_notebook", SimpleNamespace(with_options=named))
    monkeypatch.setattr(flow, "_tell", lambda kind, ran: None)
    monkeypatch.setattr(flow, "summary", lambda folder: "Mean average precision 1.000")
    lines: list[str] = []
    token = flow.teller.set(lines.append)
    try:
        with pytest.raises(UserError, match=r"^speed: The image 'audioset' ended\.$"):
            flow.evaluate.fn(calls, tmp_path)
    finally:
        flow.teller.reset(token)
    assert lines == [
        "tagging (1 of 2): 1 item",
        f"tagging Mean average precision 1.000\n  {tmp_path / 'tagging' / '1' / 'report.html'}",
        "speed (2 of 2): each image on what it reads",
        "speed failed.",
    ]


def test_what_cannot_be_scored_again_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", str(tmp_path)]) == 1
    assert capsys.readouterr().err.strip() == f"{tmp_path} holds no finished evaluation."


def test_no_evaluations_have_no_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "--output", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("Nothing has been evaluated into")


@pytest.mark.slow
def test_a_model_is_evaluated_by_one_command(calls: Path, tmp_path: Path) -> None:
    """Figures are printed, the report lies where the last line says, standard error stays empty."""
    command = [
        sys.executable,
        "-m",
        "flows.evaluate",
        "tagging",
        "--data",
        str(calls),
        "--output",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=560, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    (run,) = finished_runs(tmp_path, "tagging")
    said, where = done.stdout.splitlines()[-2:]
    assert said == "tagging Mean average precision 1.000"
    assert "tagging (1 of 1): 1 item" in done.stdout
    assert Path(where.strip()) == run / "report.html"
    assert (run / "report.html").read_text(encoding="utf-8").lower().startswith("<!doctype html>")
