"""Published assets get the names that are known now, from what their analysis found; no model runs."""

from functools import partial
from pathlib import Path

from containers.common.errors import StorageError, UserError
from containers.common.locks import tell
from tasks.asset.folder import Asset
from tasks.outputs.embeddings import read_embeddings
from tasks.people.appearances import list_assets
from tasks.people.known import known_people
from tasks.shelf.make import make_shelf
from tasks.stages.publish.rewrite import read_found, read_quality
from tasks.stages.publish.run import publish
from tasks.words.store import index_asset


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
                found = read_found(asset)
            except StorageError:
                lost.append(asset_id)
                continue
            kept = asset.cache / "embeddings.parquet"
            publish.fn(asset, found.findings, kept, manifest, found.media, read_quality(asset, manifest))
            index_asset(asset.output, asset.id)
            written.append(asset_id)
    if written:
        try:
            make_shelf(output)
        except UserError as error:
            tell(f"The shelf is not brought up to date: {error}")
    return written, lost
