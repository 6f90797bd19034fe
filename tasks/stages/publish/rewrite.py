"""What a finished analysis found, written in other formats or another layout; no model runs."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from containers.common import storage
from containers.common.documents.sounds import Tags
from containers.common.documents.speech import Transcript
from containers.common.errors import StorageError, UserError
from containers.common.inside import check_uris, inside
from containers.common.locks import tell
from tasks.asset.bucket import Location, absolute, is_remote, name_of
from tasks.asset.folder import QUALITY, Asset
from tasks.asset.manifest import Manifest
from tasks.asset.portable import located
from tasks.checks.verdicts import Quality
from tasks.outputs.formats.write import Speech, write_speech
from tasks.outputs.writing import WritingOptions
from tasks.people.known import name_transcript
from tasks.stages.publish.run import FOUND, Found, publish
from tasks.words.store import index_asset

Kind = TypeVar("Kind", bound=BaseModel)


def read_found(asset: Asset) -> Found:
    """What the documents of an asset are made of. Raises StorageError when it is not kept any more."""
    try:
        content = located((asset.cache / FOUND).read_text(encoding="utf-8"), asset.cache)
        check_uris(asset.cache, json.loads(content)["findings"])
        return Found.model_validate_json(content)
    except (FileNotFoundError, ValueError, LookupError, TypeError, StorageError):
        raise StorageError(f"What was found in {asset.id} is not kept any more.") from None


def read_quality(asset: Asset, manifest: Manifest) -> Quality | None:
    """The verdicts of its check, if it had one."""
    if QUALITY not in manifest.files:
        return None
    return Quality.model_validate_json(storage.read_bytes(storage.join(asset.place, QUALITY)))


def rewrite(place: Location, given: Mapping[str, Any]) -> Manifest:
    """The asset folder with its subtitles and other formats as `given` says, else as they were.

    Names that files had stay, and another run of the same analysis leaves them. Raises UserError.
    """
    asset = _asset_at(place)
    if asset.manifest() is None:
        raise UserError(f"{place} is no finished asset folder.")
    with asset.locked(on_wait=partial(tell, f"Waiting for the analysis of {asset.id}.")):
        manifest = asset.manifest()
        try:
            found = read_found(asset)
        except StorageError as error:
            raise UserError(
                f"{error} Analyse again, or write with --to FOLDER from transcript.json."
            ) from None
        chosen = _chosen(found.findings.writing, given)
        found.findings.writing = chosen
        if manifest is None:
            raise UserError(f"{place} was removed meanwhile.")
        manifest.options |= chosen.model_dump(mode="json")
        kept = asset.cache / "embeddings.parquet"
        published = publish.fn(
            asset, found.findings, kept, manifest, found.media, read_quality(asset, manifest)
        )
        if not asset.remote:
            index_asset(asset.output, asset.id)
    return published.manifest


def write_to(place: Location, folder: Path, given: Mapping[str, Any]) -> list[Path]:
    """The chosen files of an asset folder, from its transcript.json and tags.json, into `folder`/<asset id>.

    Raises UserError.
    """
    transcript = _read(place, "transcript.json", Transcript)
    tags = _read(place, "tags.json", Tags) if "tags.json" in _names(place) else Tags(predictions=[])
    named = name_transcript(transcript, transcript.names or {})
    asset = name_of(absolute(place))
    files = write_speech(Speech(named, tags, asset, _chosen(WritingOptions(), given)))
    for name, content in files.items():
        storage.write_bytes(storage.as_uri(inside(folder.absolute(), asset, name)), content)
    return [inside(folder, asset, name) for name in files]


def _asset_at(place: Location) -> Asset:
    whole = absolute(place)
    above = str(whole).rpartition("/")[0]
    try:
        asset = Asset.at(above if is_remote(whole) else Path(above), name_of(whole))
    except ValidationError:
        raise UserError(f"{place} is no asset folder.") from None
    if not asset.remote and not asset.folder.is_dir():
        raise UserError(f"There is no folder {place}.")
    return asset


def _chosen(before: WritingOptions, given: Mapping[str, Any]) -> WritingOptions:
    return WritingOptions(**(before.model_dump() | dict(given)))


def _names(place: Location) -> set[str]:
    if is_remote(place):
        return set(storage.list_sizes(str(place)))
    return {path.name for path in Path(place).iterdir()}


def _read(place: Location, name: str, kind: type[Kind]) -> Kind:
    content = storage.read_bytes(storage.join(absolute(place), name))
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise UserError(f"{name} of {place} cannot be read: {error.errors()[0]['msg']}.") from None
