"""`--start` and `--end`: what is found in a part has the times of the whole, in every file."""

import json
from pathlib import Path

import pytest

from tasks.asset.manifest import Manifest
from tests.commands import run_module


@pytest.mark.slow
def test_times_in_every_document_are_those_of_the_whole(speech_wav: Path, tmp_path: Path) -> None:
    part = ("--only", "sounds,denoise", "--start", "0:10", "--end", 24.5)
    done = run_module("flows.analyze", speech_wav, *part, "--output", tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    (folder,) = (path.parent for path in tmp_path.glob("[0-9a-f]*/manifest.json"))
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    assert (manifest.start, manifest.duration, manifest.end) == (10, 14.5, 24.5)
    assert (manifest.options["start"], manifest.options["end"]) == (10, 24.5)
    tags = json.loads((folder / "tags.json").read_bytes())["predictions"]
    assert tags and all(10 <= event["start_time"] < event["end_time"] <= 24.5 for event in tags)
    assert max(event["end_time"] for event in tags) > 20
    noise = json.loads((folder / "noise.json").read_bytes())["track"]
    assert [each["time"] for each in noise] == [10.0 + second for second in range(len(noise))]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert 'data-start="10.0" data-duration="14.5"' in page and 'viewBox="10.0 0 14.5 1"' in page


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["--start", "soon"], "--start: 'soon' is no time; write seconds (90.5) or a clock's (1:02:03)."),
        (["--start", "1:75"], "--start: '1:75' is no time; minutes and seconds end at 59."),
        (["--start", "9", "--end", "0:05"], "The end, 0:00:05, is not after the start, 0:00:09."),
    ],
)
def test_a_part_that_cannot_be_is_one_sentence(
    given: list[str], sentence: str, speech_wav: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows.analyze.__main__ import main

    assert main([str(speech_wav), "--output", str(tmp_path / "out"), *given]) == 1
    assert capsys.readouterr().err == f"{sentence}\n"
    assert not (tmp_path / "out").exists()
