"""Expectations with one sentence each: what a person reads when a rule is broken."""

from typing import Any

from great_expectations import expectations
from great_expectations.expectations.expectation import Expectation

expect: Any = expectations  # its annotations are narrower than what it documents


def between(sentence: str, column: str, low: float, high: float, severity: str = "critical") -> Expectation:
    return expect.ExpectColumnValuesToBeBetween(
        column=column, min_value=low, max_value=high, severity=severity, description=sentence
    )


def not_before(sentence: str, later: str, earlier: str, severity: str = "critical") -> Expectation:
    """`later` is at least `earlier`; rows that lack either are broken."""
    return expect.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=later,
        column_B=earlier,
        or_equal=True,
        ignore_row_if="neither",
        severity=severity,
        description=sentence,
    )


def equal(
    sentence: str,
    column: str,
    other: str,
    severity: str = "critical",
    ignore: str = "both_values_are_missing",
) -> Expectation:
    return expect.ExpectColumnPairValuesToBeEqual(
        column_A=column, column_B=other, ignore_row_if=ignore, severity=severity, description=sentence
    )


def true(sentence: str, column: str, severity: str = "critical") -> Expectation:
    return one_of(sentence, column, [True], severity)


def one_of(sentence: str, column: str, values: list[Any], severity: str = "critical") -> Expectation:
    return expect.ExpectColumnValuesToBeInSet(
        column=column, value_set=values, severity=severity, description=sentence
    )


def matches(sentence: str, column: str, regex: str, severity: str = "critical") -> Expectation:
    return expect.ExpectColumnValuesToMatchRegex(
        column=column, regex=regex, severity=severity, description=sentence
    )


def there(sentence: str, column: str, severity: str = "critical") -> Expectation:
    return expect.ExpectColumnValuesToNotBeNull(column=column, severity=severity, description=sentence)


def unique_together(sentence: str, columns: list[str], severity: str = "critical") -> Expectation:
    return expect.ExpectCompoundColumnsToBeUnique(
        column_list=columns, severity=severity, description=sentence
    )


def within_media(what: str) -> list[Expectation]:
    """A `what` has a `start` and an `end` between the media's own."""
    return [
        not_before(f"A {what} ends after it starts.", "end", "start"),
        between(f"A {what} starts at or after 0 s.", "start", 0, float("inf")),
        not_before(f"A {what} ends inside the media.", "latest", "end"),
    ]
