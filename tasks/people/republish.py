"""Published assets get the names that are known now, from what their analysis found; no model runs."""

import json
from functools import partial
from pathlib import Path

from containers.common.errors import StorageError
from containers.common.inside import check_uris
from containers.common.locks import tell
from tasks.asset.folder import QUALITY, Asset
from tasks.asset.portable import located
from tasks.checks.verdicts import Quality
from tasks.outputs.embeddings import read_embeddings
from tasks.people.appearances import list_assets
from tasks.people.known import known_people
from tasks.stages.publish.run import FOUND, Found, publish


def republish_named(output: Path) -> tuple[list[str], list[str]]:
    """Ids of the assets whose documents were written again since a name in them changed, and of those that
    have to be analysed again for it, since what was found in them is not kept any more.
    """
    written, lost = [], []
    for asset_id in list_assets(output):
        asset = Asset(output=output.absolute(), id=asset_id)
        with asset.locked(on_wait=partial(tell, f"Waiting for the analysis of {asset_id}.")):
            manifest = asset.manifest()
            embeddings = asset.folder / "embeddings.parquet"
            if manifest is None or not embeddings.is_file():
                continue
            known = known_people(asset.output, asset.id, read_embeddings(embeddings))
            if (manifest.people, manifest.hidden) == known:
                continue
            try:
                content = located((asset.cache / FOUND).read_text(encoding="utf-8"), asset.cache)
                check_uris(asset.cache, json.loads(content)["findings"])
                found = Found.model_validate_json(content)
            except (FileNotFoundError, ValueError, LookupError, TypeError, StorageError):
                lost.append(asset_id)
                continue
            kept = asset.cache / "embeddings.parquet"
            publish.fn(asset, found.findings, kept, manifest, found.media, _quality(asset))
            written.append(asset_id)
    return written, lost


def _quality(asset: Asset) -> Quality | None:
    path = asset.folder / QUALITY
    return Quality.model_validate_json(path.read_bytes()) if path.is_file() else None
