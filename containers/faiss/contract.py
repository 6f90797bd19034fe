"""Vector search. An index is a folder of immutable versions of vectors of one model, and a small delta."""

from typing import Annotated, Literal

from pydantic import Field

from containers.common.contract import Request
from containers.common.index.found import Filter
from containers.common.index.version import Metric


class Building(Request):
    """What every request that makes a version can say."""

    index_uri: str = Field(description="file:// or s3:// folder")
    model: str = Field(description="only rows of this model are taken")
    type: str | None = Field(
        default=None,
        description="faiss factory string; IVF or HNSW alone for settings that suit the number of vectors; "
        "auto (when not given) chooses by number, dimension, memory and recall",
    )
    metric: Metric | None = Field(
        default=None, description="cosine when not given; an index that is added to keeps its own"
    )
    memory_mb: int | None = Field(
        default=None,
        ge=16,
        description="what auto's index may take in memory; half of the image's memory when not given",
    )
    recall: float = Field(
        default=0.95, ge=0, le=1, description="recall@10 on a sample that a version needs to become current"
    )
    keep_versions: int = Field(
        default=3, ge=2, description="the new version and those it descends from, in all"
    )


class UpdateRequest(Building):
    """`build` starts from nothing; `add` starts from the current version, without the given assets' vectors.

    `add` builds an index that is not there yet, and writes no version when there is nothing to change.
    """

    action: Literal["build", "add"]
    vectors: list[str] = Field(
        description="URIs of Parquet files: columns id, asset, model, vector, metadata"
    )
    replace_assets: list[str] = []


class ReindexRequest(Building):
    """Makes the next version hold exactly the parts listed; writes none when the current one does already."""

    action: Literal["reindex"]
    parts: str = Field(
        description="URI of a Parquet file: columns asset, uri (of its embeddings.parquet), digest (of that "
        "file; it changes with the content), rows (of this model; 0 when it has none)"
    )
    rebuild: bool = Field(default=False, description="build anew although adding would do")


class RollbackRequest(Request):
    """Makes the version that the current one replaced current again."""

    action: Literal["rollback"]
    index_uri: str


class SearchRequest(Request):
    """Queries of the index's dimension, any number at once: a batch is faster than its queries one by one."""

    action: Literal["search"]
    index_uri: str
    vectors: list[list[float]] = Field(min_length=1)
    k: int = Field(default=10, ge=1, le=1000)
    where: Filter = Filter()


IndexRequest = Annotated[
    UpdateRequest | ReindexRequest | RollbackRequest | SearchRequest, Field(discriminator="action")
]
