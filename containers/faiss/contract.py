"""Vector search. An index is a folder of immutable versions of vectors of one model."""

from typing import Annotated, Any, Literal

from pydantic import Field

from containers.common.contract import Contract, Request


class IndexVersion(Contract):
    """`<index>/<version>/manifest.json`."""

    version: str
    model: str = Field(description="the embedding model; vectors of different models never mix")
    dimension: int
    type: str = Field(description="faiss factory string")
    metric: Literal["cosine", "euclidean"]
    count: int
    sha256: str = Field(description="of index.faiss")
    previous: str | None = Field(
        default=None, description="the version this one replaced: where a rollback leads"
    )


class Match(Contract):
    """`score` is the cosine (higher is nearer) or the Euclidean distance (lower is nearer)."""

    score: float
    id: str
    asset: str
    metadata: dict[str, Any] = {}


class SearchResult(Contract):
    """One list per query, best first."""

    matches: list[list[Match]]
    version: str


class UpdateRequest(Request):
    """`build` starts from nothing; `add` starts from the current version, without the given assets' vectors.

    `add` builds an index that is not there yet, and writes no version when there is nothing to change.
    """

    action: Literal["build", "add"]
    index_uri: str
    vectors: list[str] = Field(
        description="URIs of Parquet files: columns id, asset, model, vector, metadata"
    )
    model: str = Field(description="only rows of this model are taken")
    type: str | None = Field(
        default=None,
        description="faiss factory string, or IVF or HNSW alone for settings that suit the number of "
        "vectors; Flat when not given; an index that is added to keeps its own",
    )
    metric: Literal["cosine", "euclidean"] | None = Field(
        default=None, description="cosine when not given; an index that is added to keeps its own"
    )
    replace_assets: list[str] = []
    keep_versions: int = Field(
        default=3, ge=2, description="the new version and those it descends from, in all"
    )


class SearchRequest(Request):
    action: Literal["search"]
    index_uri: str
    vectors: list[list[float]] = Field(min_length=1)
    k: int = Field(default=10, ge=1, le=1000)
    assets: list[str] | None = Field(default=None, description="only matches from these assets")


IndexRequest = Annotated[UpdateRequest | SearchRequest, Field(discriminator="action")]
