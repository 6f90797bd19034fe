"""`python -m flows.watch FOLDER`: what arrives is analysed, each file once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.watch.source import FileState, Folder, look

ROOT = Path(__file__).parents[3]


@pytest.fixture
def looks(tmp_path):
    """Gives what arrives in so many looks, with `between(n)` after look n."""

    def run(between, times):
        folder = Folder(tmp_path)
        names = []
        for number in range(1, times + 1):
            names += [Path(arrival.media).name for arrival in folder.look()]
            between(number)
        return names

    return run


def test_a_file_is_started_once_and_only_when_it_has_come_to_rest(tmp_path, looks):
    def copy_slowly(number):
        if number <= 3:
            with (tmp_path / "talk.mp4").open("ab") as file:
                file.write(b"more")

    assert looks(copy_slowly, times=4) == []
    assert looks(copy_slowly, times=8) == ["talk.mp4"]


def test_a_file_that_is_replaced_is_another(tmp_path, looks):
    (tmp_path / "talk.mp4").write_bytes(b"first")

    def replace(number):
        if number == 3:
            (tmp_path / "talk.mp4").write_bytes(b"second take")

    assert looks(replace, times=6) == ["talk.mp4", "talk.mp4"]


def test_what_is_no_media_and_what_goes_away_is_left_alone(tmp_path, looks):
    (tmp_path / "notes.txt").touch()
    (tmp_path / "gone.wav").touch()
    assert looks(lambda number: (tmp_path / "gone.wav").unlink(missing_ok=True), times=4) == []


def test_the_key_is_that_of_path_size_and_time(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"12")
    (seen,) = look(tmp_path)
    assert seen == FileState(path, 2, path.stat().st_mtime_ns)
    assert seen.key == FileState(path, 2, seen.changed).key != FileState(path, 3, seen.changed).key


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [("missing", "There is no folder "), (".", "The Prefect server does not answer: ")],
)
def test_without_folder_or_server_one_sentence(folder, sentence, tmp_path):
    (tmp_path / "a.wav").touch()
    environment = {
        **os.environ,
        "PREFECT_API_URL": "http://127.0.0.1:9/api",
        "PREFECT_HOME": str(tmp_path / "p"),
    }
    environment |= {"PREFECT_CLIENT_MAX_RETRIES": "0"}
    command = [sys.executable, "-m", "flows.watch", str(tmp_path / folder), "--every", "0.1"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(sentence) and done.stderr.count("\n") == 1, done.stderr


def test_what_is_left_out_is_told_of_once(tmp_path):
    said: list[str] = []
    folder = Folder(tmp_path, said.append)
    (tmp_path / "notes.txt").touch()
    folder.look()
    (tmp_path / "cover.jpg").touch()
    folder.look()
    folder.look()
    assert said == [
        "Left out: notes.txt (no media).",
        "Left out: cover.jpg (a picture: name it to have it analysed).",
    ]
