"""What a quality check looks at: a table of a document's facts, and the rules for its rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Table:
    """`rows` makes them of the document, parsed JSON; each gets `asset`, `row` and the `latest` second
    that a result may reach.

    `columns` are those that the rules name: a document without rows makes a whole table too. `rules` imports
    a library for seconds and is called late.
    """

    name: str
    document: str
    columns: Sequence[str]
    rows: Callable[[Any], Rows]
    rules: "Callable[[], list[Expectation]]"


def in_order(rows: Rows) -> Rows:
    """Each row with the start and the end of the one before it."""
    before = [{"start": 0.0, "end": 0.0}, *rows]
    return [
        {**row, "before": other["start"], "before_end": other["end"]}
        for row, other in zip(rows, before, strict=False)
    ]
