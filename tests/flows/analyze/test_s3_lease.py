"""Among machines that share a bucket one writes at a time; whoever vanished is passed over. S3 is moto's."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from containers.common import storage
from containers.common.errors import StorageError
from tasks.asset.folder import Asset
from tasks.asset.lease import leased
from tests.flows.soak.clock import Clock

URI = "s3://media/turn/.writing"
CAPTURED: dict[str, Any] = {"capture_output": True, "check": False, "cwd": Path(__file__).parents[3]}
OTHER = """
import sys
from containers.common.errors import StorageError
from tasks.asset.lease import leased
try:
    with leased(sys.argv[1], 2, patience=5):
        print("took it")
except StorageError as error:
    print(error)
"""


def held(bucket: Any) -> list[str]:
    return [item.key for item in bucket.objects.all()]


def nobody() -> None:
    pytest.fail("nobody else is there")


def test_the_second_waits_until_the_first_has_ended(bucket: Any) -> None:
    waited, order = threading.Event(), []

    def second() -> None:
        with leased(URI, 60, on_wait=waited.set):
            order.append("second")

    with leased(URI, 60, on_wait=nobody) as still_ours:
        thread = threading.Thread(target=second)
        thread.start()
        assert waited.wait(10)
        order.append("first")
        still_ours()
    thread.join(10)
    assert order == ["first", "second"]
    assert held(bucket) == []


def test_patience_ends(bucket: Any) -> None:
    with (
        leased(URI, 60),
        pytest.raises(StorageError, match=r"Other writers have held .* for 1 seconds"),
        leased(URI, 60, patience=1),
    ):
        pass


def test_a_dead_one_is_passed_over(bucket: Any) -> None:
    bucket.put_object(Key="turn/.writing", Body=b"dead 0")
    with leased(URI, 2, patience=30) as still_ours:
        still_ours()
    assert held(bucket) == []


@pytest.mark.slow
def test_a_clock_that_is_a_day_wrong_takes_nothing_over(bucket: Any, tmp_path: Path) -> None:
    clock = Clock(tmp_path)
    if not clock.variables:
        pytest.skip("needs a C compiler")
    clock.move(86_400)
    environment = os.environ | clock.variables
    with leased(URI, 2) as still_ours:
        done = subprocess.run([sys.executable, "-c", OTHER, URI], env=environment, text=True, **CAPTURED)
        still_ours()
    assert done.stdout == f"Other writers have held {URI} for 5 seconds.\n", done.stderr


@pytest.mark.slow
def test_while_s3_is_away_nobody_counts_as_dead(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither could renew it: who waited is not to take it over before the holder could."""
    bucket.put_object(Key="turn/.writing", Body=b"alive 0")
    read, away = storage.read_tagged, iter([0.0, 4.0])

    def slowly(uri: str) -> Any:
        found = read(uri)
        time.sleep(next(away, 0))
        return found

    monkeypatch.setattr(storage, "read_tagged", slowly)
    with pytest.raises(StorageError, match="Other writers"), leased(URI, 3.5, patience=5):
        pass
    bucket.Object("turn/.writing").delete()


def test_what_is_done_stays_done_where_s3_is_away_at_the_end(bucket: Any, monkeypatch) -> None:
    def away(uri: str) -> Any:
        raise StorageError("S3 is away.")

    with monkeypatch.context() as patch, leased(URI, 60):
        patch.setattr(storage, "read_tagged", away)
        patch.setattr(storage, "remove", away)
    bucket.Object("turn/.writing").delete()


def test_one_that_was_taken_over_is_told_and_leaves_the_other_alone(bucket: Any) -> None:
    with leased(URI, 60) as still_ours:
        bucket.put_object(Key="turn/.writing", Body=b"other 0")
        with pytest.raises(StorageError, match="took s3://media/turn over"):
            still_ours()
    assert held(bucket) == ["turn/.writing"]
    bucket.Object("turn/.writing").delete()


def test_renewed_it_outlives_its_seconds(bucket: Any) -> None:
    with leased(URI, 1.5) as still_ours:
        time.sleep(3)
        still_ours()
        with pytest.raises(StorageError), leased(URI, 1.5, patience=0):
            pass
    assert held(bucket) == []


def test_two_machines_analyse_one_asset_in_turn(bucket: Any, tmp_path: Path, monkeypatch) -> None:
    machines = []
    for name in ("one", "two"):
        monkeypatch.setenv("MEDIAFLOW_WORK", str(tmp_path / name))
        machines.append(Asset.at("s3://media/out", "0123456789abcdef"))
    one, two = machines
    waited, order = threading.Event(), []

    def second() -> None:
        with two.locked(on_wait=waited.set):
            order.append("two")

    with one.locked(on_wait=nobody):
        thread = threading.Thread(target=second)
        thread.start()
        assert waited.wait(10)
        order.append("one")
    thread.join(10)
    assert order == ["one", "two"]
    assert held(bucket) == []
