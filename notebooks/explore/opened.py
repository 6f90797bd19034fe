"""An asset folder read with the contracts that wrote it, and the frames of its media."""

import tempfile
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from containers.audioset.contract import Tags
from containers.common.errors import UserError
from containers.common.media.audio import load_audio
from containers.pyannote.contract import Diarization
from containers.whisperx.contract import Transcript
from tasks.asset.folder import MANIFEST, Asset
from tasks.asset.manifest import Manifest
from tasks.outputs.embeddings import read_embeddings
from tasks.search.query import read_picture, read_sound
from tasks.stages.detect.document import FacesDocument
from tasks.stages.publish.run import FOUND, Found

RATE = 8000  # Hz, enough to look at


class OpenedAsset:
    """One asset; `place` is its folder, or an output folder whose first asset is meant."""

    def __init__(self, place: str | Path, media: str | Path | None = None) -> None:
        folder = Path(place)
        if not (folder / MANIFEST).is_file():
            found = sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))
            if not found:
                raise UserError(f"There is no asset in {folder}: analyse something into it first.")
            folder = found[0]
        self.asset = Asset(output=folder.absolute().parent, id=folder.name)
        self.manifest = Manifest.model_validate_json(self._read(MANIFEST))
        self.transcript = Transcript.model_validate_json(self._read("transcript.json"))
        self.diarization = Diarization.model_validate_json(self._read("diarization.json"))
        self.tags = Tags.model_validate_json(self._read("tags.json"))
        self.faces = FacesDocument.model_validate_json(self._read("faces.json"))
        self._media = media

    def _read(self, name: str) -> bytes:
        return (self.asset.folder / name).read_bytes()

    @cached_property
    def media(self) -> Path:
        """The media file. Raises UserError when it was moved."""
        given = self._media
        if given is None:
            kept = self.asset.cache / FOUND
            given = Found.model_validate_json(kept.read_bytes()).media if kept.is_file() else "?"
        if not Path(given).is_file():
            name = self.manifest.media.name
            raise UserError(
                f"{name} is not where it was analysed: say where it is with the parameter `media`."
            )
        return Path(given)

    @property
    def stages(self) -> pd.DataFrame:
        names = ["name", "status", "found", "reason", "seconds"]
        return pd.DataFrame([stage.model_dump(include=set(names)) for stage in self.manifest.stages])[names]

    @property
    def vectors(self) -> pd.DataFrame:
        """Number and dimension of the vectors of each model."""
        rows = read_embeddings(self.asset.folder / "embeddings.parquet")
        sizes = [(row["model"], row["metadata"].get("kind"), len(row["vector"])) for row in rows]
        table = pd.DataFrame(sizes, columns=["model", "kind", "dimension"])
        return table.value_counts().rename("vectors").reset_index()

    def sound(self, start: float = 0, end: float | None = None) -> np.ndarray:
        """Mono, RATE Hz; empty without sound."""
        if not self.manifest.media.audio_codec:
            return np.zeros(0, np.float32)
        with tempfile.TemporaryDirectory() as folder:
            return load_audio(read_sound(self.media.absolute(), Path(folder, "sound")), RATE, start, end)

    def frame(self, time: float) -> Image.Image:
        """The picture shown at `time` seconds."""
        return read_picture(self.media.absolute(), time)
