"""One search index brought up to date, by the image that searches."""

from pathlib import Path

from prefect import task
from pydantic import BaseModel

from containers.common.index import versions
from containers.common.index.version import EmbeddingsFile, IndexVersion
from containers.faiss.contract import ReindexRequest
from tasks.calls.invoke import invoke
from tasks.index.ask import SEARCHES
from tasks.index.collect import write_parts
from tasks.index.options import ReindexOptions, index_uri


class ReindexedModel(BaseModel):
    """One index's outcome: its current version, and whether this run made it."""

    model: str
    version: IndexVersion
    changed: bool


@task
def reindex_model(
    model: str, parts: list[EmbeddingsFile], output: Path, options: ReindexOptions
) -> ReindexedModel:
    """Makes `model`'s index hold exactly `parts`. Raises UserError, and the version before serves on."""
    uri = index_uri(output, options, model)
    before = versions.pointer(uri)
    listed = output.absolute() / ".cache" / "reindex" / f"{model}.parquet"
    write_parts(parts, listed)
    request = ReindexRequest(
        action="reindex",
        index_uri=uri,
        model=model,
        parts=listed.as_uri(),
        **options.model_dump(include={"type", "memory_mb", "recall", "keep_versions", "rebuild"}),
    )
    version = invoke(SEARCHES, request, IndexVersion).value
    listed.unlink(missing_ok=True)
    return ReindexedModel(
        model=model, version=version, changed=before is None or before.version != version.version
    )
