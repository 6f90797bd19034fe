"""What the output folder knows: its indexes, its assets, who is who in them and what is heard when."""

from functools import cached_property
from pathlib import Path
from typing import Any

from containers.audioset.contract import Tags
from containers.common.errors import UserError
from containers.common.inside import existing, one_name
from containers.facenet.contract import DINOV2, PHASH
from containers.faiss.contract import Filter, Match, SearchRequest, SearchResult
from containers.faiss.delta import list_delta
from containers.faiss.versions import current
from containers.pyannote.diarizers import DIARIZERS
from tasks.asset.folder import Asset
from tasks.calls.invoke import invoke
from tasks.outputs.embeddings import read_embeddings
from tasks.people.appearances import Appearance, group_appearances, list_assets
from tasks.people.recognise import recognise
from tasks.people.store import load_people

# What may have made an index of each kind, the better first.
MODELS = {
    "face": ["facenet-vggface2", "faceapi"],
    "voice": [weights.voice for weights in DIARIZERS.values()],
    "picture": [DINOV2, PHASH],
    "sound": ["panns-cnn14"],
}
NOTHING = {
    "face": "no faces",
    "voice": "no voices",
    "picture": "no pictures",
    "sound": "no sounds: the starter tagger embeds none; analyse again with panns-cnn14 in the store",
}


class Library:
    """An output folder, read as far as it is asked for. Raises UserError when there is no such folder."""

    def __init__(self, output: Path) -> None:
        self.output = output.absolute()
        self.assets = list_assets(self.output)
        self._media: dict[str, str] = {}
        self._searched: dict[str, bool] = {}
        self._sounds: dict[str, Tags] = {}
        self._names: dict[str, dict[str, str]] = {}

    def asset_id(self, wanted: str) -> str:
        """The asset whose id begins so. Raises UserError when there is none, or more than one."""
        found = [asset for asset in self.assets if asset.startswith(wanted)]
        if not wanted or not found:
            raise UserError(f"There is no asset '{wanted}' in {self.output}.")
        if len(found) > 1:
            raise UserError(f"{len(found)} assets begin with '{wanted}': write more of the id.")
        return found[0]

    def index_of(self, kind: str) -> str:
        """The model whose index holds vectors of that kind. Raises UserError when there is none."""
        if not self.assets:
            raise UserError(f"Nothing was analysed into {self.output} yet.")
        for model in MODELS[kind]:
            if current(self._index(model)) or list_delta(self._index(model)):
                return model
        raise UserError(f"The index of {self.output} has {NOTHING[kind]}.")

    def nearest(
        self, model: str, vectors: list[list[float]], k: int, where: Filter, result: Path
    ) -> list[list[Match]]:
        """One list of matches for each vector, best first; `result` is where a large answer is put."""
        request = SearchRequest(
            action="search",
            index_uri=self._index(model),
            vectors=vectors,
            k=k,
            where=where,
            result_uri=result.as_uri(),
        )
        return invoke("faiss", request, SearchResult).value.matches

    def _index(self, model: str) -> str:
        return (self.output / "index" / one_name(model)).as_uri()

    @cached_property
    def people(self) -> Any:
        return load_people(self.output)

    def is_searched(self, asset: str) -> bool:
        """False for results that broke a critical rule: an analysis that was killed may not have taken their
        vectors out yet."""
        if asset not in self._searched:
            place = Asset(output=self.output, id=asset)
            manifest = place.manifest()
            self._searched[asset] = manifest is None or not place.blocked(manifest)
        return self._searched[asset]

    def media(self, asset: str) -> str:
        """The media file's name."""
        if asset not in self._media:
            manifest = Asset(output=self.output, id=asset).manifest()
            self._media[asset] = manifest.media.name if manifest else asset
        return self._media[asset]

    def sounds(self, asset: str) -> Tags:
        if asset not in self._sounds:
            path = self.output / asset / "tags.json"
            text = path.read_text(encoding="utf-8") if path.is_file() else '{"predictions": []}'
            self._sounds[asset] = Tags.model_validate_json(text)
        return self._sounds[asset]

    def appearances(self, asset: str) -> list[Appearance]:
        path = self.output / asset / "embeddings.parquet"
        return group_appearances(asset, read_embeddings(path)) if path.is_file() else []

    def person(self, asset: str, label: str | None) -> str | None:
        """The name of an appearance, where it is a known person with a name."""
        if not self.people.people:
            return None
        if asset not in self._names:
            appearances = self.appearances(asset)
            self._names[asset] = {
                appearances[number].label: found.person.name
                for number, found in recognise(appearances, self.people).items()
                if found.person.name
            }
        return self._names[asset].get(label or "")

    def thumbnail(self, asset: str) -> str | None:
        """A picture that stands for the asset: the one that stays longest on screen."""
        path = self.output / asset / "embeddings.parquet"
        rows = [row["metadata"] for row in read_embeddings(path)] if path.is_file() else []
        pictures = [row for row in rows if row.get("kind") == "picture" and row.get("thumbnail")]
        for row in sorted(pictures, key=lambda row: row["time"] - row["end"]):
            if found := existing(self.output / ".cache", asset, row["thumbnail"]):
                return str(found)
        return None
