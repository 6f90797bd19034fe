"""What is known of the models that make vectors: the one home of how they are compared, and what is the same.

The numbers stand in the catalogue, in the model's entry; benchmarks/faces.md has what faces' come from.
"""

import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from containers.common.contract import Contract

CATALOGUE = Path(__file__).with_name("catalogue.toml")


class Embedding(Contract):
    """How a model's vectors are compared. Vectors of two models never are."""

    kind: Literal["face", "voice", "picture", "sound", "text"] = Field(description="what a vector stands for")
    dimension: int = Field(ge=1)
    metric: Literal["euclidean", "cosine"] = Field(description="as scipy's cdist has them")
    threshold: float | None = Field(
        default=None,
        gt=0,
        description="largest distance of two vectors of the same; none where unknown",
    )
    normalised: bool = Field(default=True, description="whether the model's vectors have length 1")

    @property
    def limit(self) -> float:
        """The threshold of a model that tells the same from others. Raises ValueError where it has none."""
        if self.threshold is None:
            raise ValueError("There is no threshold for this model.")
        return self.threshold

    def distance(self, score: float) -> float:
        """From a search's score: the cosine, or the Euclidean distance itself."""
        return 1 - score if self.metric == "cosine" else score


# What is computed without weights, so that no catalogue has it. Of 256 bits at most 32 differ: a picture
# coded badly, brightened or cut by 1 % at each side is that near, other pictures differ in 110 and more
# (measured on the packaged photographs).
_COMPUTED = {"phash-256": Embedding(kind="picture", dimension=256, metric="cosine", threshold=2 * 32 / 256)}


def embeddings() -> dict[str, Embedding]:
    """Every model that makes vectors, by catalogue id.

    A catalogue of one's own (`MEDIAFLOW_CATALOGUE`, `MEDIAFLOW_CATALOGUE_ADD`) may say it otherwise.
    """
    others = (os.environ.get("MEDIAFLOW_CATALOGUE"), os.environ.get("MEDIAFLOW_CATALOGUE_ADD"))
    return _read_all(str(CATALOGUE), *filter(None, others))


def same_kind(kind: str) -> dict[str, Embedding]:
    """Those of a kind (`face`, `voice`) that tell the same one from others."""
    return {
        model: embedding
        for model, embedding in embeddings().items()
        if embedding.kind == kind and embedding.threshold is not None
    }


@cache
def _read_all(*paths: str) -> dict[str, Embedding]:
    found = dict(_COMPUTED)
    for path in paths:
        found |= _read(path)
    return found


def _read(path: str) -> dict[str, Embedding]:
    """Without the files and locks that the model store asks for; it says what cannot be read."""
    try:
        entries = tomllib.loads(Path(path).read_text(encoding="utf-8")).get("model", [])
    except (OSError, ValueError):
        return {}
    return {
        entry["id"]: Embedding.model_validate(entry["embedding"]) for entry in entries if "embedding" in entry
    }
