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
    """One vector found, and where in which media it belongs.

    `score` is the cosine (higher is nearer) or the Euclidean distance (lower is nearer). What a vector does
    not have is left out: a picture has no track, a face no end.
    """

    score: float
    id: str
    asset: str
    model: str = Field(description="the embedding model that made the vector")
    kind: str | None = Field(default=None, description="face, voice, sound, ...")
    time: float | None = Field(default=None, description="seconds from the start of the media")
    end: float | None = Field(default=None, description="seconds; where the vector stands for a stretch")
    box: dict[str, float] | None = Field(default=None, description="x, y, width, height in pixels")
    track: int | None = None
    label: str | None = Field(default=None, description="the metadata's label, or else its speaker")
    metadata: dict[str, Any] = Field(default={}, description="all that was written with the vector")


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


class Filter(Contract):
    """Which vectors may be found: those that pass every condition given. An empty list lets none pass."""

    assets: list[str] | None = None
    not_assets: list[str] = []
    kinds: list[str] | None = None
    tracks: list[int] | None = None
    labels: list[str] | None = None
    start: float | None = Field(default=None, description="seconds: vectors that lie, or end, at or after it")
    end: float | None = Field(default=None, description="seconds: vectors that lie, or begin, before it")


class SearchRequest(Request):
    """Queries of the index's dimension, any number at once: a batch is faster than its queries one by one."""

    action: Literal["search"]
    index_uri: str
    vectors: list[list[float]] = Field(min_length=1)
    k: int = Field(default=10, ge=1, le=1000)
    where: Filter = Filter()


IndexRequest = Annotated[UpdateRequest | SearchRequest, Field(discriminator="action")]
