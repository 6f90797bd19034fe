"""What plausible sound events look like."""

from typing import TYPE_CHECKING, Any

from tasks.checks.table import Rows, Table

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation


def events(tags: dict[str, Any]) -> Rows:
    from containers.common.ontology import classes

    return [
        {
            **event,
            "start": event["start_time"],
            "end": event["end_time"],
            "known": event["label"] in classes(),
        }
        for event in tags["predictions"]
    ]


def _rules() -> "list[Expectation]":
    from tasks.checks import expect

    return [
        *expect.within_media("sound event"),
        expect.between("A sound event's score is a probability.", "score", 0, 1, "warning"),
        expect.there("A sound event has a label.", "label"),
        expect.unique_together("A sound event is there once.", ["asset", "label", "start", "end"], "warning"),
        expect.true("A sound event's label is one of AudioSet's.", "known", "warning"),
    ]


TABLES = (Table("tags", "tags.json", ("label", "known", "score", "start", "end", "latest"), events, _rules),)
