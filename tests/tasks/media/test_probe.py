"""What is said about a path before anything is decoded."""

import os
from pathlib import Path

import pytest

from containers.common.errors import MediaError
from tasks.media.probe import probe


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
