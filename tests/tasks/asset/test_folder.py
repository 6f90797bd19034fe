"""The asset folder: complete or absent, never half-written, one run at a time."""

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from containers.common.errors import StorageError
from tasks.asset.folder import Asset
from tasks.asset.manifest import Manifest
from tasks.media.probe import MediaInfo

MARK = "what this analysis stands for"


def make_manifest(complete: bool = True) -> Manifest:
    return Manifest(
        asset="0123456789abcdef",
        media=MediaInfo(name="a.wav", sha256="0" * 64, size=1, format="wav", duration=1.0),
        duration=1.0,
        options={},
        complete=complete,
        stages=[],
        models=[],
        software={},
        created=datetime.now(UTC),
        seconds=1.0,
        fingerprint=MARK,
    )


@pytest.fixture
def asset(tmp_path: Path) -> Asset:
    place = Asset(output=tmp_path / "out", id="0123456789abcdef")
    place.prepare()
    return place


def test_files_appear_with_their_hashes(asset: Asset, tmp_path: Path) -> None:
    (tmp_path / "table").write_bytes(b"rows")
    asset.publish({"transcript.json": b"{}", "embeddings.parquet": tmp_path / "table"}, make_manifest())
    assert (asset.folder / "embeddings.parquet").read_bytes() == b"rows"
    manifest = asset.manifest()
    assert manifest
    assert {name: entry.size for name, entry in manifest.files.items()} == {
        "transcript.json": 2,
        "embeddings.parquet": 4,
    }


def test_a_second_result_replaces_the_first_whole(asset: Asset) -> None:
    asset.publish({"old.json": b"{}"}, make_manifest())
    asset.publish({"new.json": b"{}"}, make_manifest())
    assert {path.name for path in asset.folder.iterdir()} == {"new.json", "manifest.json"}


def test_when_publishing_fails_the_first_result_stays(asset: Asset, tmp_path: Path) -> None:
    asset.publish({"old.json": b"{}"}, make_manifest())
    with pytest.raises(StorageError):
        asset.publish({"new.json": b"{}", "table": tmp_path / "missing"}, make_manifest())
    assert {path.name for path in asset.folder.iterdir()} == {"old.json", "manifest.json"}
    assert not list(asset.cache.iterdir())


def test_finished_means_same_mark_nothing_failed_and_every_file_there(asset: Asset) -> None:
    assert asset.finished(MARK) is None
    asset.publish({"a.json": b"{}"}, make_manifest())
    assert asset.finished(MARK)
    assert asset.finished("another mark") is None
    (asset.folder / "a.json").unlink()
    assert asset.finished(MARK) is None
    asset.publish({"a.json": b"{}"}, make_manifest(complete=False))
    assert asset.finished(MARK) is None


def test_a_damaged_manifest_counts_as_none(asset: Asset) -> None:
    asset.publish({}, make_manifest())
    (asset.folder / "manifest.json").write_text('{"version": 1, "asset"')
    assert asset.manifest() is None


def test_a_newer_versions_manifest_is_refused_and_stays(asset: Asset) -> None:
    asset.publish({}, make_manifest())
    path = asset.folder / "manifest.json"
    newer = path.read_text().replace('"version": 1', '"version": 2, "shape": "unknown"')
    path.write_text(newer)
    with pytest.raises(StorageError, match=r"newer version of this project \(format 2, this one reads 1\)"):
        asset.finished(MARK)
    assert path.read_text() == newer


def test_two_runs_of_one_asset_wait_for_each_other(asset: Asset) -> None:
    waited, order = threading.Event(), []

    def second() -> None:
        with asset.locked(on_wait=waited.set):
            order.append("second")

    with asset.locked(on_wait=lambda: pytest.fail("nobody else is there")):
        thread = threading.Thread(target=second)
        thread.start()
        assert waited.wait(60)
        time.sleep(0.2)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_an_output_that_cannot_be_a_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(StorageError, match="cannot be written"):
        Asset(output=tmp_path / "out", id="0" * 16).prepare()
