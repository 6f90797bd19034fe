"""Appearances: a face while it stays on screen, a voice of a recording, read from embeddings.parquet."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from containers.common.errors import UserError
from tasks.asset import MANIFEST, Asset
from tasks.embeddings import read_embeddings
from tasks.people.store import Kind


class Comparison(NamedTuple):
    """How two vectors of a model are compared, and up to which distance they are one person's.

    `limit` is a Euclidean distance, or 1 - cosine where `cosine` is true.
    """

    kind: Kind
    cosine: bool
    limit: float


# Careful on purpose: who is missed is named by hand, who is mistaken is found by nobody. Measured on the
# packaged photographs and recording: faceapi, the same face one second later is within 0.28 in 95 % of
# pairs, two people are never within 0.42. GE2E, two halves of a speaker's turns are within 0.16, two
# speakers rarely within 0.15. VGGFace2's weights are in no registry, so its figure is not measured here:
# it is the threshold that https://github.com/serengil/deepface uses for Facenet512.
COMPARISONS = {
    "faceapi": Comparison("face", cosine=False, limit=0.4),
    "facenet-vggface2": Comparison("face", cosine=True, limit=0.3),
    "ge2e-speaker": Comparison("voice", cosine=True, limit=0.15),
}


class Appearance(NamedTuple):
    """`label` is face<track> or the speaker's; `vector` is the mean of its vectors."""

    asset: str
    label: str
    model: str
    vector: NDArray[np.float64]
    start: float
    end: float
    seen: int  # vectors behind it
    thumbnail: str | None  # below the asset's cache

    @property
    def kind(self) -> Kind:
        return COMPARISONS[self.model].kind

    @property
    def ref(self) -> str:
        """What people type to mean this appearance, and whoever it belongs to."""
        return f"{self.asset[:8]}:{self.label}"

    def together_with(self, other: "Appearance") -> bool:
        """Whether both are there at once, so that they cannot be the same person."""
        if self.asset != other.asset or self.kind != other.kind:
            return False
        return self.kind == "voice" or (self.start <= other.end and other.start <= self.end)


def distances(one: NDArray, other: NDArray, model: str) -> NDArray[np.float64]:
    """(n, m) distances between vectors (n, d) and (m, d) of one model."""
    squared = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * one @ other.T
    euclidean = np.sqrt(np.maximum(squared, 0))
    # Of unit vectors: |a - b|² = 2 - 2 cos
    return euclidean**2 / 2 if COMPARISONS[model].cosine else euclidean


def list_assets(output: Path) -> list[str]:
    """Ids of everything analysed into `output`. Raises UserError when there is no such folder."""
    if not output.is_dir():
        raise UserError(f"There is no folder {output}.")
    return sorted(path.parent.name for path in output.glob(f"*/{MANIFEST}"))


def read_appearances(output: Path) -> list[Appearance]:
    """Of every published asset below `output`."""
    found: list[Appearance] = []
    for asset in list_assets(output):
        path = Asset(output=output, id=asset).folder / "embeddings.parquet"
        if path.is_file():
            found += group_appearances(asset, read_embeddings(path))
    return found


def group_appearances(asset: str, rows: Iterable[Mapping[str, Any]]) -> list[Appearance]:
    """Rows of one asset, each with `model`, `vector` and `metadata`, as one appearance a track or speaker.

    Rows of models that tell no people apart are left out; a face without a track is an appearance of its own.
    """
    grouped: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for number, row in enumerate(rows):
        if row["model"] in COMPARISONS:
            grouped[row["model"], _label(number, row["metadata"])].append(row)
    return [_appearance(asset, label, model, own) for (model, label), own in grouped.items()]


def _label(number: int, about: Mapping[str, Any]) -> str:
    if about["kind"] == "voice":
        return about["speaker"]
    track = about.get("track")
    return f"face{track}" if track is not None else f"single{number}"


def _appearance(asset: str, label: str, model: str, rows: list[Mapping[str, Any]]) -> Appearance:
    vector = np.mean([row["vector"] for row in rows], axis=0)
    if COMPARISONS[model].cosine:
        vector = vector / np.linalg.norm(vector)
    times = [row["metadata"].get("time") or 0.0 for row in rows]
    best = max(rows, key=lambda row: row["metadata"].get("score") or 0.0)
    return Appearance(
        asset=asset,
        label=label,
        model=model,
        vector=vector,
        start=min(times),
        end=max(times),
        seen=len(rows),
        thumbnail=best["metadata"].get("thumbnail"),
    )
