"""What a re-index tidies up: nothing is left of assets that were removed."""

from pathlib import Path

import pytest

from containers.common.locks import lock_of
from tasks.asset.folder import Asset
from tasks.index.collect import drop_caches


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """One asset that is there, one that was removed, and one whose analysis never got to its end."""
    for name in "abc":
        cache = tmp_path / ".cache" / (name * 16)
        (cache / "crops" / "k").mkdir(parents=True)
        (cache / "crops" / "k" / "0.jpg").write_bytes(b"a face")
        if name != "c":
            (cache / "found.json").write_text('{"vector": [0.5]}')
    (tmp_path / ("a" * 16)).mkdir()
    return tmp_path


def left(output: Path) -> set[str]:
    return {path.name for path in (output / ".cache").iterdir() if path.is_dir()}


def test_a_removed_asset_takes_its_cache_along(output: Path) -> None:
    assert drop_caches(output) == 1
    assert left(output) == {"a" * 16, "c" * 16}, "what is unfinished goes on from where it was"
    assert drop_caches(output) == 0


def test_an_asset_that_is_being_analysed_keeps_it(output: Path) -> None:
    asset = Asset(output=output, id="b" * 16)
    with lock_of(asset.lock_path):
        assert drop_caches(output) == 0
    assert "b" * 16 in left(output)
