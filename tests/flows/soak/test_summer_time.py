"""Nights around the changes of summer time: each day has one, by a clock that is set to shortly before it.

There is no half past two in Berlin on the last Sunday of March, and there are two on that of October. All
of `make serve` believes that it is then; what is due is asked of its server, and really runs.
"""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.flows.serving import Server, serving
from tests.flows.soak.clock import Clock

ZONE = ZoneInfo("Europe/Berlin")
NIGHT = {"cron": "30 2 * * *", "timezone": ZONE.key}
CHANGES = [date(2027, 3, 28), date(2027, 10, 31)]  # European Union directive 2000/84/EC: last Sundays
SOON = 20  # seconds from the time that the clock is set to until the night
DAYS = 3  # the one before, the one of the change, the one after


class House:
    """`make serve` with one nightly deployment that has nothing to do, and its clock."""

    def __init__(self, server: Server, clock: Clock, output: Path) -> None:
        self.server, self._clock, self._output = server, clock, output
        self.deployment = server.deployment("housekeeping")
        for name in ("reindex", "quality"):
            self._set(server.deployment(name), active=False)

    def begin(self, then: datetime) -> None:
        """It is `then`, and the schedule begins."""
        self._set(self.deployment, active=False)
        self.move(then)
        self.server.call(
            "PATCH", f"/deployments/{self.deployment['id']}", parameters={"output": str(self._output)}
        )
        self._set(self.deployment, active=True, schedule=NIGHT)

    def move(self, then: datetime) -> None:
        self._clock.move((then - datetime.now(UTC)).total_seconds())

    def runs(self) -> list[dict[str, Any]]:
        """Of the schedule, the next first."""
        of_it = {"deployments": {"id": {"any_": [self.deployment["id"]]}}}
        return self.server.call("POST", "/flow_runs/filter", **of_it, sort="EXPECTED_START_TIME_ASC")

    def due(self) -> list[datetime]:
        """The next nights as the server has planned them."""
        deadline = time.monotonic() + 120
        while len(found := [run for run in self.runs() if run["state_type"] == "SCHEDULED"]) < DAYS:
            assert time.monotonic() < deadline, found
            time.sleep(1)
        return [datetime.fromisoformat(run["expected_start_time"]) for run in found[:DAYS]]

    def ended(self, night: datetime) -> dict[str, Any]:
        """The run of that night, once it has ended."""
        deadline = time.monotonic() + 300
        while True:
            ours = [run for run in self.runs() if datetime.fromisoformat(run["expected_start_time"]) == night]
            assert len(ours) == 1, ours
            if ours[0]["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
                return ours[0]
            assert time.monotonic() < deadline, ours[0]["state"]
            time.sleep(1)

    def _set(self, deployment: dict[str, Any], **values: object) -> None:
        for schedule in deployment["schedules"]:
            self.server.call("PATCH", f"/deployments/{deployment['id']}/schedules/{schedule['id']}", **values)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    clock = Clock(tmp_path_factory.mktemp("clock"))
    if not clock.variables:
        pytest.skip("without a C compiler the clock stays right")
    soon = {"PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5", "PREFECT_WORKER_QUERY_SECONDS": "2"}
    with serving(tmp_path_factory.mktemp("home"), **clock.variables, **soon) as (server, _):
        yield House(server, clock, tmp_path_factory.mktemp("out"))
        clock.move(0)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_each_day_around_a_change_has_one_night(house: House, change: date) -> None:
    noon = datetime(change.year, change.month, change.day, 12, tzinfo=ZONE)
    assert noon.utcoffset() != (noon - timedelta(days=1)).utcoffset(), "the clocks change"
    house.begin((noon - timedelta(days=2)).astimezone(UTC))
    planned = house.due()
    shown = [night.astimezone(ZONE) for night in planned]
    print([str(each) for each in shown], flush=True)
    assert [each.date() for each in shown] == [change + timedelta(days=day) for day in (-1, 0, 1)]
    assert [(each.hour, each.minute) for each in (shown[0], shown[2])] == [(2, 30)] * 2
    assert shown[1].hour in (1, 2, 3) and shown[1].minute == 30, (
        "at most an hour from the time that is missing"
    )
    for night in planned:
        house.move(night - timedelta(seconds=SOON))
        ended = house.ended(night)
        assert ended["state_type"] == "COMPLETED", ended["state"]
        began = datetime.fromisoformat(ended["start_time"])
        assert night <= began + timedelta(seconds=SOON) < night + timedelta(minutes=10)
    begun = [datetime.fromisoformat(run["start_time"]) for run in house.runs() if run["start_time"]]
    assert sum(each > planned[0] - timedelta(days=1) for each in begun) == DAYS, "none twice"
