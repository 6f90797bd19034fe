"""`python -m flows.batch`, as a person runs it."""

import json
import subprocess
from pathlib import Path

import pytest
import soundfile

from tests.commands import run_module


@pytest.fixture(scope="module")
def clips(speech_wav: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips of 2 s of real speech, and a file that is no media."""
    folder = tmp_path_factory.mktemp("clips")
    samples, rate = soundfile.read(speech_wav)
    for number in range(3):
        start = (7 + 3 * number) * rate
        soundfile.write(folder / f"clip{number}.wav", samples[start : start + 2 * rate], rate)
    return folder


def batch(*arguments: object) -> subprocess.CompletedProcess[str]:
    return run_module("flows.batch", *arguments)


def assets(output: Path) -> list[dict]:
    return [json.loads(path.read_bytes()) for path in output.glob("*/manifest.json")]


@pytest.mark.slow
def test_every_file_gets_an_asset_folder_and_a_broken_one_stops_nobody(clips, tmp_path):
    broken = clips / "broken.mp4"
    broken.write_bytes(b"no media")
    done = batch(clips, "--output", tmp_path, "--at-once", 3)
    broken.unlink()
    assert done.returncode == 1
    assert done.stderr.startswith("1 of 4 files failed: ")
    assert "broken.mp4 is not media that can be decoded" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "broken.mp4: will be tried again" in done.stdout
    assert {asset["media"]["name"] for asset in assets(tmp_path)} == {"clip0.wav", "clip1.wav", "clip2.wav"}

    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/manifest.json")}
    again = batch(clips, "--output", tmp_path)
    assert (again.returncode, again.stderr) == (0, "")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/manifest.json")} == before


@pytest.mark.slow
def test_across_processes_of_a_dask_cluster(clips, tmp_path):
    done = batch(clips, "--output", tmp_path, "--runner", "dask", "--options", '{"only": ["tag"]}')
    assert (done.returncode, done.stderr) == (0, "")
    assert len(assets(tmp_path)) == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing.mp4"], "There is no media at missing.mp4.\n"),
        (["README.md", "--options", '{"denoise": "perhaps"}'], "--options: denoise: "),
        (["README.md", "--options", "denoise"], "--options: "),
        (["README.md", "--at-once", "0"], "--at-once: at least one file at a time.\n"),
    ],
)
def test_wrong_use_is_one_sentence(arguments, sentence):
    done = batch(*arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1
