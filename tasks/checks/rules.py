"""What plausible results look like: per table, the expectations that its rows have to meet.

`critical` keeps an asset out of the search index, `warning` is only said. Every rule has one sentence
(`description`), which is what a person reads when it is broken.
"""

from typing import Any

from great_expectations import expectations
from great_expectations.expectations.expectation import Expectation

expect: Any = expectations  # its annotations are narrower than what it documents

FASTEST = 45  # characters a second; fast speakers reach 25, and short interjections look faster
NORM_SLACK = 1e-3


def _between(sentence: str, column: str, low: float, high: float, severity: str = "critical") -> Expectation:
    return expect.ExpectColumnValuesToBeBetween(
        column=column, min_value=low, max_value=high, severity=severity, description=sentence
    )


def _not_before(sentence: str, later: str, earlier: str, severity: str = "critical") -> Expectation:
    return expect.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=later,
        column_B=earlier,
        or_equal=True,
        ignore_row_if="neither",
        severity=severity,
        description=sentence,
    )


def _equal(sentence: str, column: str, other: str) -> Expectation:
    return expect.ExpectColumnPairValuesToBeEqual(
        column_A=column,
        column_B=other,
        ignore_row_if="both_values_are_missing",
        severity="critical",
        description=sentence,
    )


def _true(sentence: str, column: str, severity: str = "critical") -> Expectation:
    return expect.ExpectColumnValuesToBeInSet(
        column=column, value_set=[True], severity=severity, description=sentence
    )


def _there(sentence: str, column: str, severity: str = "critical") -> Expectation:
    return expect.ExpectColumnValuesToNotBeNull(column=column, severity=severity, description=sentence)


def _within_media(what: str) -> list[Expectation]:
    return [
        _not_before(f"A {what} ends after it starts.", "end", "start"),
        _between(f"A {what} starts at or after 0 s.", "start", 0, float("inf")),
        _not_before(f"A {what} ends inside the media.", "latest", "end"),
    ]


def rules() -> dict[str, list[Expectation]]:
    """Expectations by table name; see `tables` for the columns."""
    return {
        "segments": [
            *_within_media("segment"),
            _not_before("Segments are in the order of their starts.", "start", "before"),
            expect.ExpectColumnValuesToMatchRegex(
                column="language",
                regex="^[a-z]{2,3}$",
                severity="warning",
                description="The language is one that Whisper knows.",
            ),
            _there("A segment has a language.", "language", "warning"),
            _between("Nobody speaks that fast.", "characters_per_second", 0, FASTEST, "warning"),
        ],
        "words": [
            _not_before("A word ends after it starts.", "end", "start"),
            _not_before("A word starts inside its segment.", "start", "segment_start"),
            _not_before("A word ends inside its segment.", "segment_end", "end"),
            _between("A word's score is a probability.", "score", 0, 1, "warning"),
        ],
        "turns": [
            *_within_media("turn"),
            _true("Every speaker who has a turn has an embedding.", "known", "warning"),
        ],
        "exclusive_turns": [
            *_within_media("turn"),
            _not_before("Exclusive turns are in the order of their starts.", "start", "before"),
            _not_before("Exclusive turns do not overlap.", "start", "before_end"),
        ],
        "tags": [
            *_within_media("sound event"),
            _between("A sound event's score is a probability.", "score", 0, 1, "warning"),
            _there("A sound event has a label.", "label"),
        ],
        "faces": [
            _between("A face's frame is shown at or after 0 s.", "time", 0, float("inf")),
            _not_before("A face's frame is shown inside the media.", "latest", "time"),
            _not_before("A face's box has a width.", "right", "left"),
            _not_before("A face's box has a height.", "bottom", "top"),
            _between("A face's box reaches into the frame from the left.", "right", 0, float("inf")),
            _between("A face's box reaches into the frame from above.", "bottom", 0, float("inf")),
            _not_before("A face's box reaches into the frame from the right.", "width", "left"),
            _not_before("A face's box reaches into the frame from below.", "height", "top"),
            _between("A face's score is a probability.", "score", 0, 1),
            _between("A face's expressions sum to 1.", "expressions", 0.95, 1.05, "warning"),
            _between("A face's age is one that people have.", "age", 0, 120, "warning"),
            _between("A gender's probability is at least one half.", "gender_probability", 0.5, 1, "warning"),
        ],
        "embeddings": [
            _there("A vector names its model.", "model"),
            _true("A vector's numbers are finite.", "finite"),
            _equal("Vectors of one model have one dimension.", "dimension", "model_dimension"),
            _between("A vector is normalised.", "norm", 1 - NORM_SLACK, 1 + NORM_SLACK),
            expect.ExpectCompoundColumnsToBeUnique(
                column_list=["asset", "fact"],
                severity="critical",
                description="A vector of one thing is there once.",
            ),
        ],
        "manifest": [
            _there("What a result may depend on has a name.", "name"),
            _there("Models and software have a version.", "version", "warning"),
            expect.ExpectColumnValuesToMatchRegex(
                column="sha256",
                regex="^[0-9a-f]{64}$",
                severity="critical",
                description="A hash is a SHA-256.",
            ),
            _equal("A file has the size that the manifest says.", "found_size", "size"),
            _equal("A file has the content that the manifest says.", "found_sha256", "sha256"),
        ],
    }
