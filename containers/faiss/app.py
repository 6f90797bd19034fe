"""The faiss image: vector indexes that are built, added to, rolled back and searched."""

from containers.common.index import versions
from containers.common.index.found import SearchResult
from containers.common.index.version import IndexVersion
from containers.common.runtime.handler import Stopwatch, make_handler
from containers.faiss.contract import (
    IndexRequest,
    ReindexRequest,
    RollbackRequest,
    SearchRequest,
    UpdateRequest,
)
from containers.faiss.search import Searcher
from containers.faiss.update import reindex, update

searcher = Searcher()


def serve(
    request: UpdateRequest | ReindexRequest | RollbackRequest | SearchRequest, stopwatch: Stopwatch
) -> IndexVersion | SearchResult:
    if isinstance(request, SearchRequest):
        return searcher.search(request)
    if isinstance(request, RollbackRequest):
        return versions.rollback(request.index_uri)
    return reindex(request) if isinstance(request, ReindexRequest) else update(request)


handler = make_handler("faiss", IndexRequest, serve)
