"""Appearances: a face while it stays on screen, a voice of a recording, read from embeddings.parquet."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from containers.common.errors import UserError
from containers.common.models.embeddings import Embedding, embeddings, same_kind
from tasks.asset.folder import MANIFEST, Asset
from tasks.outputs.embeddings import read_embeddings
from tasks.people.store import Kind
from tasks.stages.detect.face_quality import CLEAR, weight_of


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
    qualities: NDArray[np.float64] | None = None  # of its faces, (n,); none where nobody measured them

    @property
    def kind(self) -> Kind:
        return "voice" if embeddings()[self.model].kind == "voice" else "face"

    @property
    def weights(self) -> NDArray[np.float64]:
        """(n,): how much each of its vectors counts."""
        return np.ones(len(self.vectors)) if self.qualities is None else weight_of(self.qualities)

    @property
    def clear(self) -> bool:
        """Whether it can be told who it is; a face that is small, blurred or turned away cannot."""
        return self.qualities is None or float(self.qualities.max()) >= CLEAR

    @property
    def ref(self) -> str:
        """What people type to mean this appearance, and whoever it belongs to."""
        return f"{self.asset[:8]}:{self.label}"


def people_models() -> dict[str, Embedding]:
    """The models that tell people apart, by catalogue id."""
    return same_kind("face") | same_kind("voice")


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
    compared = people_models()
    grouped: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for number, row in enumerate(rows):
        if row["model"] in compared:
            grouped[row["model"], _label(number, row["metadata"])].append(row)
    return [_appearance(asset, label, model, own) for (model, label), own in grouped.items()]


def _label(number: int, about: Mapping[str, Any]) -> str:
    if about["kind"] == "voice":
        return about["speaker"]
    track = about.get("track")
    return f"face{track}" if track is not None else f"single{number}"


def _appearance(asset: str, label: str, model: str, rows: list[Mapping[str, Any]]) -> Appearance:
    vectors = np.array([row["vector"] for row in rows])
    measured = [row["metadata"].get("quality") for row in rows]
    qualities = None if None in measured else np.array(measured, float)
    # As what was said of people before is kept: by quality, not by its square.
    vector = np.average(vectors, axis=0, weights=None if qualities is None else qualities + 1e-6)
    if embeddings()[model].metric == "cosine":
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
        qualities=qualities,
    )
