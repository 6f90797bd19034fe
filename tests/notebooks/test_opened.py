"""Assets by the name of their media, voices that can be heard, and a lab that asks for nothing."""

import io
import json
import wave
from pathlib import Path

import numpy as np
import pytest

from containers.common.errors import UserError
from notebooks.explore.opened import find_asset, to_wav

ROOT = Path(__file__).parents[2]


def test_an_asset_is_found_by_the_name_of_its_media(tmp_path: Path) -> None:
    for name, media in (("a1", "talk.mp4"), ("b2", "song.wav"), ("c3", "song.wav"), ("d4", None)):
        (tmp_path / name).mkdir()
        content = json.dumps({"media": {"name": media}}) if media else "{"
        (tmp_path / name / "manifest.json").write_text(content)
    assert find_asset(tmp_path / "talk.mp4") == tmp_path / "a1"
    assert find_asset(tmp_path) == find_asset(tmp_path / "a1") == tmp_path / "a1"
    with pytest.raises(UserError, match=r"2 assets are of song.wav: name one by its folder, b2, c3\.$"):
        find_asset(tmp_path / "song.wav")
    with pytest.raises(UserError, match=r"first; there are song\.wav, song\.wav, talk\.mp4"):
        find_asset(tmp_path / "other.mp4")


def test_a_voice_is_a_sound_that_browsers_play() -> None:
    with wave.open(io.BytesIO(to_wav(np.array([0.0, 2.0, -2.0]), 16_000))) as file:
        assert (file.getnframes(), file.getframerate(), file.getnchannels()) == (3, 16_000, 1)
        assert np.frombuffer(file.readframes(3), "<i2").tolist() == [0, 32767, -32767]


def test_the_lab_asks_nobody_for_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `make lab` starts it: JupyterLab's own reader of its settings says so."""
    from jupyter_core.paths import jupyter_path
    from jupyterlab_server.config import get_page_config

    line = next(line for line in (ROOT / "Makefile").read_text().splitlines() if "jupyter lab" in line)
    folder = line.split("JUPYTER_CONFIG_PATH=")[1].split()[0].replace("$(CURDIR)", str(ROOT))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", folder)
    disabled = get_page_config(jupyter_path("labextensions"))["disabledExtensions"]
    assert "@jupyterlab/apputils-extension:announcements" in disabled
