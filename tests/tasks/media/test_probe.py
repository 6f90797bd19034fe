"""What is said about a path before anything is decoded."""

import os
from pathlib import Path

import pytest

from containers.common.errors import MediaError
from tasks.media.probe import probe
from tests.tasks.media.odd_files import HEIGHT, WIDTH, video


def test_a_name_that_is_no_text_is_refused(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    with pytest.raises(MediaError, match=r"holds bytes that are no UTF-8 text; rename it first\.$"):
        probe(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(MediaError, match=r"There is no file .*talk\.mp4\.$"):
        probe(tmp_path / "talk.mp4")


def test_a_folder(tmp_path):
    with pytest.raises(MediaError, match=r"is not a file\.$"):
        probe(tmp_path)


@pytest.mark.parametrize(
    ("given", "size"),
    [({"rotation": 90}, (HEIGHT, WIDTH)), ({"aspect": "2"}, (2 * WIDTH, HEIGHT)), ({}, (WIDTH, HEIGHT))],
)
def test_width_and_height_are_those_that_people_see(given, size, tmp_path):
    """A phone's portrait is portrait in the manifest, which has what is said here."""
    described = probe(video(tmp_path / "a.mp4", "libx264", **given))
    assert (described.width, described.height) == size
