"""What plausible light looks like."""

from typing import TYPE_CHECKING, Any

from tasks.checks.table import Rows, Table

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation


def rows(document: dict[str, Any]) -> Rows:
    return document["frames"]


def rules() -> "list[Expectation]":
    from tasks.checks import expect

    return [
        expect.between("Light is between black and white.", "light", 0, 1),
        expect.not_before("A frame's light is measured inside the media.", "latest", "time", "warning"),
    ]


TABLES = (Table("light", "light.json", ("time", "latest", "light"), rows, rules),)
