"""What plausible turns look like."""

from typing import TYPE_CHECKING, Any

from tasks.checks.table import Rows, Table, in_order

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation


def turns(diarization: dict[str, Any]) -> Rows:
    known = {speaker["speaker"] for speaker in diarization["speakers"]}
    """Each turn with the end of the same speaker's turn before it, whatever the order they are written in."""
    rows: Rows = []
    ends: dict[str, float] = {}
    for turn in sorted(diarization["turns"], key=lambda one: (one["start"], one["end"])):
        rows.append({**turn, "known": turn["speaker"] in known, "own_end": ends.get(turn["speaker"], 0.0)})
        ends[turn["speaker"]] = max(turn["end"], ends.get(turn["speaker"], 0.0))
    return rows


def exclusive_turns(diarization: dict[str, Any]) -> Rows:
    return in_order(diarization["exclusive_turns"])


def _turn_rules() -> "list[Expectation]":
    from tasks.checks import expect

    return [
        *expect.within_media("turn"),
        expect.true("Every speaker who has a turn has an embedding.", "known", "warning"),
        expect.not_before("A speaker's turns do not overlap each other.", "start", "own_end", "warning"),
    ]


def _exclusive_rules() -> "list[Expectation]":
    from tasks.checks import expect

    return [
        *expect.within_media("turn"),
        expect.not_before("Exclusive turns are in the order of their starts.", "start", "before"),
        expect.not_before("Exclusive turns do not overlap.", "start", "before_end"),
    ]


TABLES = (
    Table(
        "turns",
        "diarization.json",
        ("start", "end", "latest", "speaker", "known", "own_end"),
        turns,
        _turn_rules,
    ),
    Table(
        "exclusive_turns",
        "diarization.json",
        ("start", "end", "before", "before_end", "latest"),
        exclusive_turns,
        _exclusive_rules,
    ),
)
