"""What plausible results of one medium look like: per table, the expectations that its rows have to meet.

`critical` keeps an asset out of the search index, `warning` is only said. Every rule has one sentence
(`description`), which is what a person reads when it is broken. The stages' own rules are in their folders.
"""

from great_expectations.expectations.expectation import Expectation

from tasks.checks import across, expect
from tasks.checks.tables import stage_tables

NORM_SLACK = 1e-3
MOST_TRACKS = 2  # with one vector, to the last bit: a still that is shown twice


def rules() -> dict[str, list[Expectation]]:
    """Expectations by table name; see `tables` for the columns."""
    of_stages = {name: table.rules() for name, table in stage_tables().items()}
    return (
        of_stages
        | across.rules()
        | {
            "documents": [
                expect.true("A document can be read.", "readable"),
                expect.true("Every number of a document is finite.", "finite"),
                expect.true("A document has the shape that is promised.", "shaped"),
            ],
            "embeddings": [
                expect.there("A vector names its model.", "model"),
                expect.true("A vector's numbers are finite.", "finite"),
                expect.one_of("A vector is not zero.", "empty", [False]),
                expect.between("Faces seen at once have vectors of their own.", "at_once", 0, 0),
                expect.between(
                    "A face's vector stands for one appearance.", "tracks", 0, MOST_TRACKS, "warning"
                ),
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
                expect.true("Every file of the folder is the manifest's.", "named", "warning"),
            ],
        }
    )
