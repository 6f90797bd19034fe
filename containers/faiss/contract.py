"""Vector search. An index is a folder of immutable versions of vectors of one model, and a small delta."""

from typing import Annotated, Any, Literal

from pydantic import Field

from containers.common.contract import Contract, Request
from containers.common.inside import Name

Metric = Literal["cosine", "euclidean"]


class Segment(Contract):
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
    segments: list[Segment] = []
    trained: int = Field(default=0, description="vectors when it was last built")
    fit: float | None = Field(
        default=None, description="IVF: mean squared distance to the nearest list centre when built"
    )
    tuning: Tuning = Tuning()
    recall: float | None = Field(default=None, description="recall@10 against exact search, on a sample")
    created: str = Field(default="", description="ISO 8601, UTC")
    seconds: float = Field(default=0, description="that making it took")


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
    version: str = Field(description="the version that answered; empty while there is only a delta")


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


IndexRequest = Annotated[
    UpdateRequest | ReindexRequest | RollbackRequest | SearchRequest, Field(discriminator="action")
]
