"""Somebody's faces and voice taken out of everything that is kept of published assets; no model runs.

The media stay as they are: who analyses them again finds somebody unknown.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from containers.common import storage
from containers.common.documents.faces import Face
from containers.common.errors import StorageError, UserError
from containers.common.index.delta import write_delta
from containers.common.index.vectors import read_rows
from containers.common.inside import inside
from containers.common.locks import tell
from containers.common.models.store import sha256_of
from tasks.asset.folder import Asset
from tasks.asset.manifest import Manifest
from tasks.outputs.documents import embedding_rows
from tasks.outputs.embeddings import write_embeddings
from tasks.outputs.findings import Findings
from tasks.people.appearances import read_appearances
from tasks.people.recognise import tell as tell_people
from tasks.people.store import load_people
from tasks.shelf.make import make_shelf
from tasks.stages.index.run import has_asset
from tasks.stages.publish.rewrite import read_found, read_quality
from tasks.stages.publish.run import Found, publish
from tasks.words.store import index_asset

FACE = "face"
MADE_OF_PEOPLE = ("detect", "embed", "diarize", "link")  # stages whose kept results hold people


def take_out_person(output: Path, ref: str) -> list[str]:
    """Takes the faces and voices of a known person out of the assets below `output`, and returns their ids.

    Broken off, it can be done again. Raises UserError, before anything is changed, when nobody is called so,
    or when an asset's findings are not kept any more.
    """
    output = output.absolute()
    people = load_people(output)
    person = people.find(ref)
    if person is None:
        raise UserError(f"Nobody is called '{ref}'.")
    labels: defaultdict[str, set[str]] = defaultdict(set)
    for group in tell_people(read_appearances(output), people).groups:
        if group.person is person:
            for each in group.appearances:
                labels[each.asset].add(each.label)
    assets = [Asset(output=output, id=asset) for asset in sorted(labels)]
    if lost := [asset.id for asset in assets if not _is_kept(asset)]:
        raise UserError(
            f"What was found in {', '.join(lost)} is not kept any more: "
            f"analyse it again or remove its folder, then forget {ref}."
        )
    for asset in assets:
        with _taken(asset) as (manifest, found):
            _take_out(asset, manifest, found, labels[asset.id])
    if assets:
        try:
            make_shelf(output)
        except UserError as error:
            tell(f"The shelf is not brought up to date: {error}")
    return sorted(labels)


def _is_kept(asset: Asset) -> bool:
    try:
        read_found(asset)
    except StorageError:
        return False
    return asset.manifest() is not None


@contextmanager
def _taken(asset: Asset) -> Iterator[tuple[Manifest, Found]]:
    with asset.locked(on_wait=partial(tell, f"Waiting for the analysis of {asset.id}.")):
        manifest = asset.manifest()
        if manifest is None:
            raise UserError(f"{asset.folder} was removed meanwhile.")
        yield manifest, read_found(asset)


def _take_out(asset: Asset, manifest: Manifest, found: Found, labels: set[str]) -> None:
    """What is published goes last: until then whoever does it again knows of whom to look for."""
    for stage in MADE_OF_PEOPLE:
        for record in asset.results.glob(f"{stage}-*"):
            record.unlink()
    findings = without(found.findings, labels)
    _drop_crops(asset, findings)
    kept = asset.cache / "embeddings.parquet"
    rows = embedding_rows(findings)
    write_embeddings(kept, asset.id, rows)
    manifest.embeddings = {
        model: count for model in manifest.embeddings if (count := sum(row["model"] == model for row in rows))
    }
    digest = sha256_of(kept)
    for model in storage.list_folders(asset.index_uri):
        uri = storage.join(asset.index_uri, model)
        if has_asset(uri, asset.id):
            write_delta(uri, asset.id, digest, read_rows([kept.as_uri()], model))
    publish.fn(asset, findings, kept, manifest, found.media, read_quality(asset, manifest))
    index_asset(asset.output, asset.id)


def without(findings: Findings, labels: set[str]) -> Findings:
    """What was found, without the appearances `labels`: faces by track (face3), voices by speaker.

    Other tracks keep their numbers, and their faces' places in a frame follow.
    """
    gone = {track.id for track in findings.tracks if f"{FACE}{track.id}" in labels}
    out = {(seen.time, seen.face) for track in findings.tracks if track.id in gone for seen in track.seen}
    places: dict[tuple[float, int], int] = {}
    frames = []
    for frame in findings.frames:
        left: list[Face] = []
        for number, face in enumerate(frame.faces):
            if (frame.time, number) not in out:
                places[frame.time, number] = len(left)
                left.append(face)
        frames.append(frame.model_copy(update={"faces": left}))

    def moved(items: Sequence) -> list:
        return [each.model_copy(update={"face": places[each.time, each.face]}) for each in items]

    tracks = [
        track.model_copy(update={"seen": moved(track.seen), "best": moved(track.best)})
        for track in findings.tracks
        if track.id not in gone
    ]
    persons = {track.person for track in tracks}
    speaking = findings.speaking.model_copy(
        update={
            "links": [link for link in findings.speaking.links if link.track not in gone],
            "people": {
                speaker: person
                for speaker, person in findings.speaking.people.items()
                if person in persons and speaker not in labels
            },
        }
    )
    speakers = [each for each in findings.diarization.speakers if each.speaker not in labels]
    return findings.model_copy(
        update={
            "frames": frames,
            "tracks": tracks,
            "vectors": moved([vector for vector in findings.vectors if vector.track not in gone]),
            "speaking": speaking,
            "diarization": findings.diarization.model_copy(update={"speakers": speakers}),
            "names": {},
        }
    )


def _drop_crops(asset: Asset, findings: Findings) -> None:
    """All that no vector is of any more, those of earlier analyses too."""
    crops = asset.cache / "crops"
    kept = {storage.local_path(vector.crop) for vector in findings.vectors if vector.crop}
    for path in sorted(crops.rglob("*")):
        if (path.is_file() or path.is_symlink()) and path not in kept:
            inside(crops, *path.relative_to(crops).parts).unlink()
