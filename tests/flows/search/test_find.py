"""Words, people and sounds in the terminal."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flows.search.__main__ import main
from tests.tasks.words.archive import publish


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("find")
    said = [("The budget is small.", 1.0, 3.0), ("The weather.", 70.0, 72.0)]
    publish(folder, "a" * 16, said, names={"SPEAKER_00": "Kate"}, heard=[("Applause", 0.0, 2.0)])
    return folder


def test_a_table(output: Path, capsys) -> None:
    assert main([str(output), "--said", "budget", "--by", "Kate", "--while", "applause"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.splitlines()[1].split("  ") == [
        "0:01",
        "a.mp4",
        "aaaaaaaa",
        "Kate",
        "The budget is small.",
    ]


def test_json_and_a_page(output: Path, tmp_path: Path, capsys) -> None:
    page = tmp_path / "found.html"
    assert main([str(output), "--said", "wether", "--json", "--html", str(page)]) == 0
    (found,) = json.loads(capsys.readouterr().out)["moments"]
    assert (found["start"], found["why"]) == (70, ["said: weather, for wether"])
    assert "<mark>weather</mark>" in page.read_text(encoding="utf-8")


def test_taken_along(output: Path, tmp_path: Path, capsys) -> None:
    table = tmp_path / "found.csv"
    assert main([str(output), "--said", "budget", "--export", str(table)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(table)
    assert "The budget is small." in table.read_text(encoding="utf-8-sig")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--said", "**"], "'**' has no word to look for."),
        (["--by", "Tom"], "Nobody called 'Tom' is heard: there is Kate"),
        (["--said", "x", "--face", "a.jpg"], "--face does not go together with --said"),
        (["--said", "x", "--at", "3"], "--at does not go together with --said"),
        (["--said", "x", "--start", "9", "--end", "3"], "Second 9 is not before second 3."),
        (["--said", "x", "-k", "0"], "--k: "),
        (["--said", "budget", "--export", "found.doc"], "found.doc is none of .csv, .edl, .otio, .txt, .mp4"),
        (["--face", "a.jpg", "--export", "found.csv"], "--export takes moments of --said"),
    ],
)
def test_one_sentence(output: Path, capsys, arguments: list[str], sentence: str) -> None:
    assert main([str(output), *arguments]) == 1
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith(sentence)


def test_nothing_to_look_for_is_wrong_usage(output: Path, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(output)])
    assert ended.value.code == 2 and "say what to look for" in capsys.readouterr().err


HEAVY = {"prefect", "torch", "faiss", "numpy", "pyarrow", "av", "PIL", "boto3", "pandas"}


@pytest.mark.parametrize(
    ("part", "loaded"),
    [
        (["--said", "budget", "--while", "applause"], set()),
        (["--about", "budget"], HEAVY - {"prefect", "torch"}),
    ],
)
def test_what_is_not_asked_for_is_not_loaded(output: Path, part: list[str], loaded: set[str]) -> None:
    """A meaning is compared by images, in processes of their own; no search waits for Prefect."""
    main([str(output), "--said", "budget"])
    code = (
        "import sys; from flows.search.__main__ import main; "
        f"main([{str(output)!r}, *{part!r}]); "
        f"print(*({{name.split('.')[0] for name in sys.modules}} & {HEAVY!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.splitlines()[-1].split()) <= loaded
