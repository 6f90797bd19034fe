"""What is removed below OUT/.cache, and what stays."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from tasks.asset.folder import Asset
from tasks.housekeeping.caches import DAY, clear_caches
from tasks.housekeeping.evaluations import clear_evaluations

MB = 1_000_000
Make = Callable[..., Asset]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`make(id, days)`: an asset analysed so many days ago, with 1 MB of stages."""

    def asset(id: str, days: float = 0, published: bool = True, decoded: bool = False) -> Asset:
        made = Asset(output=tmp_path / "out", id=id)
        made.results.mkdir(parents=True)
        (made.results / "tag-1").write_bytes(bytes(MB))
        if published:
            made.folder.mkdir()
        if decoded:
            made.media.mkdir()
            (made.media / "audio.wav").write_bytes(bytes(2 * MB))
        made.lock_path.touch()
        then = time.time() - days * DAY
        for path in (made.results, made.cache, made.lock_path):
            os.utime(path, (then, then))
        return made

    return asset


def test_media_that_a_killed_run_left_goes_and_its_stages_stay(make: Make) -> None:
    asset = make("a", decoded=True)
    decoded, _, oldest = clear_caches(asset.output, most=10 * MB, days=30)
    assert (decoded.removed, decoded.freed, decoded.left) == (1, 2 * MB, 0)
    assert (oldest.removed, oldest.left) == (0, MB)
    assert not asset.media.exists() and (asset.results / "tag-1").exists()


def test_a_run_that_is_under_way_loses_nothing(make: Make) -> None:
    asset = make("a", days=90, published=False, decoded=True)
    with asset.locked(lambda: None):
        found = clear_caches(asset.output, most=0, days=30)
    assert [each.removed for each in found] == [0, 0, 0]
    assert found[0].left == 2 * MB
    assert (asset.media / "audio.wav").exists()


def test_what_nobody_continues_goes_after_a_while(make: Make) -> None:
    old, young = make("old", days=31, published=False), make("young", days=29, published=False)
    _, abandoned, _ = clear_caches(old.output, most=10 * MB, days=30)
    assert (abandoned.removed, abandoned.freed, abandoned.left) == (1, MB, MB)
    assert not old.cache.exists() and young.cache.exists()


def test_a_lock_goes_with_the_last_of_its_asset(make: Make) -> None:
    old, young, kept = make("old", 31, published=False), make("young", 29, published=False), make("kept", 31)
    clear_caches(old.output, most=0, days=30)
    assert [asset.lock_path.exists() for asset in (old, young, kept)] == [False, True, True]


def test_a_lock_that_somebody_has_stays(make: Make) -> None:
    asset = make("a", days=90, published=False)
    with asset.locked(lambda: None):
        os.utime(asset.lock_path, (1, 1))
        clear_caches(asset.output, most=0, days=30)
        assert asset.lock_path.exists()


def test_evaluations_that_failed_go_after_a_while_and_what_finished_stays(tmp_path: Path) -> None:
    for name, days in (("1-auto.failed", 31), ("2-auto.failed", 1), ("3-auto", 31)):
        run = tmp_path / "evaluations" / "transcription" / name
        run.mkdir(parents=True)
        (run / "notebook.ipynb").write_bytes(bytes(MB))
        then = time.time() - days * DAY
        os.utime(run, (then, then))
    found = clear_evaluations(tmp_path, days=30)
    assert (found.removed, found.freed, found.left) == (1, MB, MB)
    assert sorted(run.name for run in run.parent.iterdir()) == ["2-auto.failed", "3-auto"]


def test_beyond_the_limit_those_analysed_longest_ago_go(make: Make) -> None:
    assets = [make(str(days), days=days) for days in (1, 5, 3)]
    *_, oldest = clear_caches(assets[0].output, most=2 * MB, days=30)
    assert (oldest.removed, oldest.left) == (1, 2 * MB)
    assert [asset.cache.exists() for asset in assets] == [True, False, True]
    assert all(asset.folder.exists() for asset in assets), "what was published stays"


def test_what_is_left_is_counted_once(make: Make) -> None:
    make("a", days=3), make("b", days=1, published=False)
    output = make("c").output
    _, abandoned, oldest = clear_caches(output, most=2 * MB, days=30)
    assert (oldest.removed, oldest.left, abandoned.left) == (1, MB, MB)


def test_looking_is_no_use(make: Make) -> None:
    """A night's look does not make a cache young."""
    asset = make("a", days=29, published=False)
    clear_caches(asset.output, most=10 * MB, days=30)
    assert time.time() - asset.lock_path.stat().st_mtime > 28 * DAY


def test_nothing_else_below_the_folder_is_touched(make: Make, tmp_path: Path) -> None:
    asset = make("a")
    outside = tmp_path / "outside"
    (outside / "results").mkdir(parents=True)
    link = asset.cache.parent / "link"
    link.symlink_to(outside)
    other = asset.cache.parent / "notes"
    other.mkdir()
    clear_caches(asset.output, most=0, days=0)
    assert (outside / "results").is_dir() and link.is_symlink() and other.is_dir()


def test_an_output_on_s3_has_its_stages_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDIAFLOW_WORK", str(tmp_path))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="media")
        boto3.client("s3").put_object(Bucket="media", Key="out/there/manifest.json", Body=b"{}")
        for name in ("there", "gone"):
            made = Asset.at("s3://media/out", name)
            made.results.mkdir(parents=True)
        _, abandoned, _ = clear_caches("s3://media/out", most=MB, days=0)
    assert abandoned.removed == 1
    assert Asset.at("s3://media/out", "there").cache.exists()


def test_an_output_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    assert [each.removed for each in clear_caches(tmp_path / "none", most=0, days=0)] == [0, 0, 0]
    assert not (tmp_path / "none").exists()
