"""The one way from a task to the image that searches."""

from pathlib import Path

from containers.common.index.found import Filter, Match, SearchResult
from containers.faiss.contract import SearchRequest
from tasks.calls.invoke import invoke

SEARCHES = "faiss"  # the image


def nearest(
    index_uri: str,
    vectors: list[list[float]],
    k: int,
    where: Filter | None = None,
    result: Path | None = None,
) -> list[list[Match]]:
    """One list of at most `k` matches for each vector, best first; a large answer is put at `result`.

    Raises UserError.
    """
    request = SearchRequest(
        action="search",
        index_uri=index_uri,
        vectors=vectors,
        k=k,
        where=where or Filter(),
        result_uri=result.as_uri() if result else None,
    )
    return invoke(SEARCHES, request, SearchResult).value.matches
