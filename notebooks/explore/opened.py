"""An asset folder read with the contracts that wrote it, and the frames of its media."""

import io
import json
import tempfile
import wave
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from containers.common.documents.sounds import Tags
from containers.common.documents.speakers import Diarization
from containers.common.documents.speech import Transcript
from containers.common.errors import MediaError, UserError
from containers.common.inside import inside
from containers.common.media.audio import load_audio
from tasks.asset.folder import MANIFEST, Asset
from tasks.asset.manifest import Manifest
from tasks.outputs.embeddings import read_embeddings
from tasks.search.query import read_picture, read_sound
from tasks.stages.detect.document import FacesDocument
from tasks.stages.publish.run import FOUND, Found

RATE = 8000  # Hz, enough to look at
VOICE, VOICE_RATE = 5.0, 16_000  # seconds and Hz of a voice that is listened to


class OpenedAsset:
    """One asset; `place` is its folder, an output folder whose first asset is meant, or an output folder and
    the name of the media in it: `out/talk.mp4`.
    """

    def __init__(self, place: str | Path, media: str | Path | None = None) -> None:
        folder = find_asset(Path(place))
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
        rows = [stage.model_dump(include=set(names)) for stage in self.manifest.stages]
        return pd.DataFrame(rows)[names].astype(object).fillna("")

    @property
    def vectors(self) -> pd.DataFrame:
        """Number and dimension of the vectors of each model."""
        rows = read_embeddings(self.asset.folder / "embeddings.parquet")
        sizes = [(row["model"], row["metadata"].get("kind"), len(row["vector"])) for row in rows]
        table = pd.DataFrame(sizes, columns=["model", "kind", "dimension"])
        return table.value_counts().rename("vectors").reset_index()

    def sound(self, start: float = 0, end: float | None = None, rate: int = RATE) -> np.ndarray:
        """Mono, `rate` Hz; empty without sound."""
        if not self.manifest.media.audio_codec:
            return np.zeros(0, np.float32)
        with tempfile.TemporaryDirectory() as folder:
            return load_audio(read_sound(self.media.absolute(), Path(folder, "sound")), rate, start, end)

    def frame(self, time: float) -> Image.Image:
        """The picture shown at `time` seconds."""
        return read_picture(self.media.absolute(), time)

    def voice(self, speaker: str, longest: float = VOICE) -> bytes | None:
        """WAV of the beginning of the speaker's longest turn; None where there is none, or no media."""
        names = {speaker, self.manifest.people.get(speaker)}
        own = [turn for turn in self.diarization.exclusive_turns if turn.speaker in names]
        if not own:
            return None
        turn = max(own, key=lambda one: one.end - one.start)
        try:
            heard = self.sound(turn.start, min(turn.end, turn.start + longest), VOICE_RATE)
        except (UserError, MediaError):
            return None
        return to_wav(heard, VOICE_RATE)


def voice_of(output: Path, asset: str, speaker: str) -> bytes | None:
    """As `OpenedAsset.voice`, of an asset whose documents may be damaged or gone."""
    try:
        return OpenedAsset(inside(output, asset)).voice(speaker)
    except (OSError, ValueError, UserError):
        return None


def find_asset(place: Path) -> Path:
    """The asset's folder. Raises UserError where there is none, or several have media of the name."""
    if (place / MANIFEST).is_file():
        return place
    if found := sorted(path.parent for path in place.glob(f"*/{MANIFEST}")):
        return found[0]
    every = sorted(place.parent.glob(f"*/{MANIFEST}"))
    named = [path.parent for path in every if _media_name(path) in (place.name, place.stem)]
    if len(named) > 1:
        choices = ", ".join(path.name[:8] for path in named)
        raise UserError(f"{len(named)} assets are of {place.name}: name one by its folder, {choices}.")
    if not named:
        others = ", ".join(sorted(filter(None, map(_media_name, every)))[:5])
        known = f"; there are {others}" if others else ""
        raise UserError(f"There is no asset in {place}: analyse something into it first{known}.")
    return named[0]


def _media_name(manifest: Path) -> str:
    try:
        return str(json.loads(manifest.read_bytes())["media"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def to_wav(samples: np.ndarray, rate: int) -> bytes:
    """16 bit, mono, of samples from -1 to 1."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return content.getvalue()
