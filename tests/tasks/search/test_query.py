"""Pictures that are searched for: read as an analysis reads its own, whoever sent them."""

from pathlib import Path

import pytest
from PIL import Image

from containers.common.errors import MediaError
from tasks.search.query import read_picture


@pytest.mark.parametrize("kind", ["eps", "pdf"])
@pytest.mark.parametrize("name", ["picture", "photograph.jpg"])
def test_no_program_is_started_for_a_picture(tmp_path: Path, kind: str, name: str, monkeypatch) -> None:
    """Pillow starts Ghostscript, found on PATH, for PostScript of any name; here it would leave a mark."""
    mark = tmp_path / "started"
    for program in ("gs", "gswin32c", "ghostscript"):
        (tmp_path / program).write_text(f"#!/bin/sh\ntouch {mark}\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    path = tmp_path / (name if "." in name else f"{name}.{kind}")
    Image.new("RGB", (64, 64)).save(path, kind)
    try:
        read_picture(path)  # a JPEG that lies in a PDF may be read as what it is
    except MediaError as error:
        assert "\n" not in str(error)
    assert not mark.exists()


def test_its_own_formats_are_read(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "picture.webp")
    assert read_picture(tmp_path / "picture.webp").size == (64, 48)
