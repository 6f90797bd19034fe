"""Vectors of an asset into the search index, by the faiss image."""

from pathlib import Path

from prefect import task

from containers.faiss.contract import IndexVersion, UpdateRequest
from tasks.invoke import invoke
from tasks.stage import StageOutput

EUCLIDEAN = frozenset({"faceapi"})  # face-api's descriptors are compared by distance, all others by cosine


class IndexedAsset(StageOutput):
    versions: list[IndexVersion] = []

    @property
    def summary(self) -> str:
        return (
            ", ".join(f"{made.count} vectors of {made.model}" for made in self.versions) or "nothing to add"
        )


@task
def index(asset: str, embeddings: Path, models: list[str], folder: Path) -> IndexedAsset:
    """Replaces the asset's vectors in `folder`/<model>, one index per embedding model.

    Indexes of other models lose what an earlier analysis of this asset had put there.
    """
    stale = {pointer.parent.name for pointer in folder.glob("*/current")}
    output = IndexedAsset()
    for model in sorted(stale | set(models)):
        request = UpdateRequest(
            action="add",
            index_uri=(folder / model).as_uri(),
            vectors=[embeddings.as_uri()],
            model=model,
            metric="euclidean" if model in EUCLIDEAN else "cosine",
            replace_assets=[asset],
        )
        answer = invoke("faiss", request, IndexVersion)
        output.add_cost(answer)
        output.versions.append(answer.value)
    return output
