"""What the output folder knows: its indexes, its assets, who is who in them and what is heard when."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

from containers.common import storage
from containers.common.documents.sounds import Tags
from containers.common.errors import UserError
from containers.common.index.delta import list_delta
from containers.common.index.found import Filter, Match
from containers.common.index.versions import current
from containers.common.inside import existing, inside, is_name, one_name
from containers.common.locks import tell
from containers.common.models.store import sha256_of
from tasks.asset.bucket import work_folder
from tasks.asset.folder import Asset
from tasks.index.ask import nearest
from tasks.outputs.embeddings import read_embeddings
from tasks.people.appearances import Appearance, group_appearances, list_assets
from tasks.people.recognise import recognise
from tasks.people.store import load_people
from tasks.search.place import Location, on_this_machine
from tasks.stages.diarize.query import VOICES
from tasks.stages.embed.query import FACES
from tasks.stages.look.query import PICTURES
from tasks.stages.tag.query import SOUNDS

AT_ONCE = 16  # files that are fetched from S3
EMBEDDINGS = "embeddings.parquet"
# What may have made an index of each kind, the better first.
MODELS = {
    "face": FACES,
    "voice": VOICES,
    "picture": PICTURES,
    "sound": SOUNDS,
}
NOTHING = {
    "face": "no faces",
    "voice": "no voices",
    "picture": "no pictures",
    "sound": "no sounds: the starter tagger embeds none; analyse again with panns-cnn14 in the store",
}


class Library:
    """An output folder, read as far as it is asked for. Raises UserError when there is no such folder."""

    def __init__(self, output: Location, say: Callable[[str], object] = tell) -> None:
        """`say` is told what somebody waits for, where the output is on S3."""
        self.output, self.remote = on_this_machine(output, say)
        # Of an output on S3 the pictures and the people are those of this machine's analyses.
        self.own = work_folder(self.remote) if self.remote else self.output
        self.assets = list_assets(self.output)
        self._fetched: set[str] = set()
        self._media: dict[str, str] = {}
        self._searched: dict[str, bool] = {}
        self._sounds: dict[str, Tags] = {}
        self._names: dict[str, dict[str, str]] = {}

    def asset_id(self, wanted: str) -> str:
        """The asset whose id begins so. Raises UserError when there is none, or more than one."""
        found = [asset for asset in self.assets if asset.startswith(wanted)]
        if not wanted or not found:
            raise UserError(f"There is no asset '{wanted}' in {self.place}.")
        if len(found) > 1:
            raise UserError(f"{len(found)} assets begin with '{wanted}': write more of the id.")
        return found[0]

    def index_of(self, kind: str) -> str:
        """The model whose index holds vectors of that kind. Raises UserError when there is none."""
        if not self.assets:
            raise UserError(f"Nothing was analysed into {self.place} yet.")
        for model in MODELS[kind]:
            if current(self._index(model)) or list_delta(self._index(model)):
                return model
        raise UserError(f"The index of {self.place} has {NOTHING[kind]}.")

    def nearest(
        self, model: str, vectors: list[list[float]], k: int, where: Filter, result: Path
    ) -> list[list[Match]]:
        """One list of matches for each vector, best first; `result` is where a large answer is put.

        An index may be anybody's: rows whose asset is no name of a folder are left out.
        """
        matches = nearest(self._index(model), vectors, k, where, result)
        return [[match for match in each if is_name(match.asset)] for each in matches]

    def _index(self, model: str) -> str:
        return storage.join(self.place, "index", one_name(model))

    @property
    def place(self) -> Location:
        """The folder, or the s3:// URI, as people know it."""
        return self.remote or self.output

    def report(self, asset: str) -> str:
        """Path or s3:// URI."""
        return f"{self.place}/{asset}/report.html"

    def picture(self, asset: str, name: str | None) -> str | None:
        """Path of a picture of the asset's cache."""
        path = existing(self.own / ".cache", asset, *name.split("/")) if name else None
        return str(path) if path else None

    def embeddings(self, asset: str) -> list[dict[str, Any]]:
        """The asset's vectors with what they are of."""
        self.fetch([asset])
        path = existing(self.output, asset, EMBEDDINGS)
        return read_embeddings(path) if path else []

    def fetch(self, assets: Iterable[str]) -> None:
        """Embeddings of an output on S3, where they are other ones than those that are here."""
        if not self.remote:
            return
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._fetch, set(assets) - self._fetched))
        self._fetched.update(assets)

    def _fetch(self, asset: str) -> None:
        path = inside(self.output, asset, EMBEDDINGS)
        manifest = Asset(output=self.output, id=asset).manifest()
        entry = manifest and manifest.files.get(EMBEDDINGS)
        if not entry:
            path.unlink(missing_ok=True)
        elif not path.is_file() or sha256_of(path) != entry.sha256:
            with storage.writing(storage.as_uri(path), durable=False) as partial:
                storage.download(storage.join(str(self.remote), asset, EMBEDDINGS), partial)

    @cached_property
    def people(self) -> Any:
        return load_people(self.own)

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
            path = existing(self.output, asset, "tags.json")
            text = path.read_text(encoding="utf-8") if path else '{"predictions": []}'
            self._sounds[asset] = Tags.model_validate_json(text)
        return self._sounds[asset]

    def appearances(self, asset: str) -> list[Appearance]:
        return group_appearances(asset, self.embeddings(asset))

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
        rows = [row["metadata"] for row in self.embeddings(asset)]
        pictures = [row for row in rows if row.get("kind") == "picture" and row.get("thumbnail")]
        for row in sorted(pictures, key=lambda row: row["time"] - row["end"]):
            if found := self.picture(asset, row["thumbnail"]):
                return found
        return None
