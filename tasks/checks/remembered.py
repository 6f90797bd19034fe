"""Broken rules over time: how many rows broke which, in the last checks of a store.

`quality/history.json` counts and names no asset, so that nothing of one that is forgotten stays in it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from pydantic import BaseModel, TypeAdapter, ValidationError

from containers.common import storage
from containers.common.errors import UserError
from tasks.checks.verdicts import Quality

FILE = "history.json"
MOST = 90  # checks: a quarter of nights
SHOWN = 8


class Broken(BaseModel):
    """How many rows of how many assets broke a rule."""

    table: str
    rule: str
    severity: Literal["critical", "warning"]
    rows: int
    assets: int


class Check(BaseModel):
    """One check of a store of `assets`."""

    at: datetime
    assets: int
    broken: list[Broken]


class RuleCourse(NamedTuple):
    """A rule that was broken lately; `rows` by check, the oldest first, 0 where it was kept.

    `since`: the first of the checks in a row that found it as it is now; None where all that are known did.
    """

    table: str
    rule: str
    severity: str
    rows: list[int]
    since: datetime | None

    @property
    def broken(self) -> bool:
        return bool(self.rows[-1])


_checks = TypeAdapter(list[Check])


def remember(place: str, quality: Quality, assets: int) -> list[Check]:
    """Adds this check to those in `place`, a folder's URI, and returns the last MOST, the oldest first.

    Raises UserError where those that are there cannot be read.
    """
    uri = storage.join(place, FILE)
    checks: list[Check] = []
    if FILE in storage.list_names(place):
        with storage.reading(uri) as path:
            try:
                checks = _checks.validate_json(path.read_bytes())
            except ValidationError as error:
                first = error.errors()[0]["msg"]
                raise UserError(f"{uri} cannot be read ({first}): move it away, another is begun.") from None
    broken = [
        Broken(
            table=one.table,
            rule=one.rule,
            severity=one.severity,
            rows=one.broken,
            assets=len(one.assets),
        )
        for one in (*quality.blocked, *quality.warnings)
    ]
    checks = [*checks, Check(at=datetime.now(UTC), assets=assets, broken=broken)][-MOST:]
    storage.write_bytes(uri, _checks.dump_json(checks, indent=1))
    return checks


def courses(checks: Sequence[Check]) -> list[RuleCourse]:
    """Every rule that one of the last SHOWN checks found broken: those that are so now first."""
    rows: dict[tuple[str, str], list[int]] = {}
    severity: dict[tuple[str, str], str] = {}
    for number, check in enumerate(checks):
        for one in check.broken:
            key = one.table, one.rule
            rows.setdefault(key, [0] * len(checks))[number] = one.rows
            severity[key] = one.severity
    found = [
        RuleCourse(*key, severity[key], counts[-SHOWN:], _since(checks, counts))
        for key, counts in rows.items()
        if any(counts[-SHOWN:])
    ]
    return sorted(found, key=lambda one: (not one.broken, one.severity, one.table, one.rule))


def _since(checks: Sequence[Check], counts: Sequence[int]) -> datetime | None:
    now = bool(counts[-1])
    other = [number for number, count in enumerate(counts) if bool(count) != now]
    return checks[other[-1] + 1].at if other else None
