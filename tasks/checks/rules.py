"""What plausible results of one medium look like: per table, the expectations that its rows have to meet.

`critical` keeps an asset out of the search index, `warning` is only said. Every rule has one sentence
(`description`), which is what a person reads when it is broken. The stages' own rules are in their folders.
"""

from great_expectations.expectations.expectation import Expectation

from tasks.checks import expect
from tasks.checks.tables import stage_tables

NORM_SLACK = 1e-3


def rules() -> dict[str, list[Expectation]]:
    """Expectations by table name; see `tables` for the columns."""
    of_stages = {name: table.rules() for name, table in stage_tables().items()}
    return of_stages | {
        "embeddings": [
            expect.there("A vector names its model.", "model"),
            expect.true("A vector's numbers are finite.", "finite"),
            expect.equal("Vectors of one model have one dimension.", "dimension", "model_dimension"),
            expect.between("A vector is normalised.", "norm", 1 - NORM_SLACK, 1 + NORM_SLACK),
            expect.unique_together("A vector of one thing is there once.", ["asset", "fact"]),
        ],
        "manifest": [
            expect.there("What a result may depend on has a name.", "name"),
            expect.there("Models and software have a version.", "version", "warning"),
            expect.matches("A hash is a SHA-256.", "sha256", "^[0-9a-f]{64}$"),
            expect.equal("A file has the size that the manifest says.", "found_size", "size"),
            expect.equal("A file has the content that the manifest says.", "found_sha256", "sha256"),
        ],
    }
