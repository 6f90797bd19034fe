"""`python -m flows.housekeeping`: what it says, and limits of the store of models. Its parts: tests/tasks."""

import tempfile
from pathlib import Path

import pytest

from flows.housekeeping import Limits, keep_house, main

GB = 1_000_000_000


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two models that the catalogue does not name, 1 MB each."""
    folder = tmp_path / "models"
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        (folder / name / "weights.bin").write_bytes(bytes(1_000_000))
    monkeypatch.setenv("MEDIAFLOW_MODELS", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return folder


def test_each_kind_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out" / ".cache" / "a" / "media").mkdir(parents=True)
    (tmp_path / "out" / ".cache" / "a" / "media" / "audio.wav").write_bytes(bytes(2_000_000))
    assert main([str(tmp_path / "out"), "--cache-gb", "1"]) == 0
    first, *others, last = capsys.readouterr().out.splitlines()
    assert first.endswith(": 1 removed, 2.0 MB freed, 0 bytes left")
    assert len(others) == 4 and all(": nothing removed, " in line for line in others)
    assert last == "models (no limit is set): nothing removed, 2.0 MB left"


@pytest.mark.parametrize(("limit", "removed"), [(None, 0), (1.0, 0), (0.0015, 2)])
def test_models_go_only_beyond_a_limit(
    tmp_path: Path, store: Path, limit: float | None, removed: int
) -> None:
    *_, models = keep_house(tmp_path / "out", Limits(models_gb=limit))
    assert models.removed == removed
    assert len(list(store.iterdir())) == 2 - removed
    assert models.freed + models.left == 2_000_000


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--cache-gb", "-1"], "--cache-gb: Input should be greater than 0.\n"),
        (["--scratch-hours", "0"], "--scratch-hours: Input should be greater than or equal to 1.\n"),
    ],
)
def test_a_limit_that_is_none_is_one_sentence(
    tmp_path: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), *arguments]) == 1
    assert capsys.readouterr().err == sentence


def test_every_limit_is_in_the_form_with_its_help() -> None:
    properties = Limits.model_json_schema()["properties"]
    assert all(each["description"] for each in properties.values())
