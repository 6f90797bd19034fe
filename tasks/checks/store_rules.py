"""What a whole store has to meet beside its assets: search indexes that serve, results that do not drift."""

from great_expectations.expectations.expectation import Expectation

from tasks.checks import expect

RECALL = (
    0.95  # of ten true neighbours, on average; what a re-index asks of a new version unless told otherwise
)


def store_rules() -> dict[str, list[Expectation]]:
    """Expectations by table name; see `index_tables` and `drift` for the columns."""
    return {
        "index": [
            expect.true("An index can be read.", "readable"),
            expect.equal(
                "An index holds vectors of one model, the one it is named after.", "held_model", "model"
            ),
            expect.equal("An index has as many rows as its manifest says.", "found_count", "count"),
            expect.equal("An index has a vector for every row.", "vector_bytes", "expected_bytes"),
            expect.equal("An index's file is the one that was tried out.", "found_sha256", "sha256"),
            expect.between("An index finds the true neighbours (recall@10).", "recall", RECALL, 1, "warning"),
            expect.between("An index's vectors have a dimension.", "dimension", 1, float("inf")),
        ],
        "indexed": [
            expect.equal(
                "The index has every vector of an asset.",
                "found",
                "expected",
                ignore="either_value_is_missing",
            ),
            expect.between("The index has nothing of an asset that is blocked.", "of_blocked", 0, 0),
            expect.between("The index has nothing of an asset that is gone.", "of_gone", 0, 0, "warning"),
        ],
        "drift": [
            expect.not_before(
                "What is measured lately is distributed as in the baseline.", "limit", "psi", "warning"
            ),
        ],
    }
