"""Appearances: a face while it stays on screen, a voice of a recording, read from embeddings.parquet."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from containers.common.errors import UserError
from containers.facenet.matching import METRICS, Metric
from tasks.asset.folder import MANIFEST, Asset
from tasks.outputs.embeddings import read_embeddings
from tasks.people.store import Kind

# GE2E voices: measured on the packaged recording, two halves of a speaker's turns lie within 0.16 and two
# speakers rarely within 0.15. Careful on purpose: who is missed is named by hand, who is mistaken by nobody.
# pyannote's: the distance below which its own pipelines take two voices for one speaker, which they state
# for vectors of length 1: 0.7046 in 3.1, 0.6 in community-1. Half its square is the cosine distance.
VOICES = {
    "ge2e-speaker": Metric("cosine", 0.15),
    "pyannote-wespeaker": Metric("cosine", 0.248),
    "pyannote-community-1": Metric("cosine", 0.18),
}
COMPARED: dict[str, Metric] = {**METRICS, **VOICES}  # models that tell people apart


class Appearance(NamedTuple):
    """`label` is face<track> or the speaker's; `vector` is the mean of its `vectors`, shape (n, d)."""

    asset: str
    label: str
    model: str
    vector: NDArray[np.float64]
    vectors: NDArray[np.float64]
    start: float
    end: float
    seen: int  # sampled frames; 1 for a voice
    thumbnail: str | None  # below the asset's cache

    @property
    def kind(self) -> Kind:
        return "voice" if self.model in VOICES else "face"

    @property
    def ref(self) -> str:
        """What people type to mean this appearance, and whoever it belongs to."""
        return f"{self.asset[:8]}:{self.label}"

    def together_with(self, other: "Appearance") -> bool:
        """Whether both are there at once, so that they cannot be the same person."""
        if self.asset != other.asset or self.kind != other.kind:
            return False
        return self.kind == "voice" or (self.start <= other.end and other.start <= self.end)


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
        if row["model"] in COMPARED:
            grouped[row["model"], _label(number, row["metadata"])].append(row)
    return [_appearance(asset, label, model, own) for (model, label), own in grouped.items()]


def _label(number: int, about: Mapping[str, Any]) -> str:
    if about["kind"] == "voice":
        return about["speaker"]
    track = about.get("track")
    return f"face{track}" if track is not None else f"single{number}"


def _appearance(asset: str, label: str, model: str, rows: list[Mapping[str, Any]]) -> Appearance:
    vectors = np.array([row["vector"] for row in rows])
    vector = vectors.mean(0)
    if COMPARED[model].name == "cosine":
        vector = vector / np.linalg.norm(vector)
    about = rows[0]["metadata"]
    start, end = about.get("shown") or (
        about.get("time") or 0.0,
        about.get("end") or about.get("time") or 0.0,
    )
    return Appearance(
        asset=asset,
        label=label,
        model=model,
        vector=vector,
        vectors=vectors,
        start=start,
        end=end,
        seen=about.get("samples", len(rows)),
        thumbnail=about.get("thumbnail"),
    )
