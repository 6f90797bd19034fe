"""What says of a version of an index what it holds, and of a part which file it is."""

from typing import Literal

from pydantic import Field

from containers.common.contract import Contract
from containers.common.inside import Name

Metric = Literal["cosine", "euclidean"]


class VectorFile(Contract):
    """Exact vectors that a version uses: `<index>/<version>/vectors.f32`, row after row."""

    version: Name
    count: int


class Tuning(Contract):
    """How wide the index is searched; the width was tried out on a sample when the version was made."""

    nprobe: int | None = Field(default=None, description="IVF: lists searched for a query")
    ef_search: int | None = Field(default=None, description="HNSW: candidates kept while walking the graph")
    refine: int = Field(default=1, description="candidates per wanted match that are compared exactly")


class IndexVersion(Contract):
    """`<index>/<version>/manifest.json`."""

    format: Literal[1] = Field(default=1, description="of the version's files; readers refuse a newer one")
    version: Name
    model: str = Field(description="the embedding model; vectors of different models never mix")
    dimension: int
    type: str = Field(description="faiss factory string")
    asked: str = Field(default="auto", description="the type asked for")
    reason: str = Field(default="", description="why this type, in a sentence")
    made: Literal["built", "extended"] = "built"
    why: str = Field(default="", description="why it was built anew, or what was added")
    metric: Metric
    count: int
    sha256: str = Field(description="of index.faiss")
    previous: Name | None = Field(
        default=None, description="the version this one replaced: where a rollback leads"
    )
    segments: list[VectorFile] = []
    trained: int = Field(default=0, description="vectors when it was last built")
    fit: float | None = Field(
        default=None, description="IVF: mean squared distance to the nearest list centre when built"
    )
    tuning: Tuning = Tuning()
    recall: float | None = Field(default=None, description="recall@10 against exact search, on a sample")
    created: str = Field(default="", description="ISO 8601, UTC")
    seconds: float = Field(default=0, description="that making it took")


class EmbeddingsFile(Contract):
    """One asset's embeddings.parquet; `rows` of the index's model."""

    asset: str
    uri: str
    digest: str
    rows: int
