"""Everything found, written as the asset folder."""

import platform
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

from prefect import task
from pydantic import BaseModel

from containers.common import storage
from tasks.asset.bucket import Location, is_remote
from tasks.asset.folder import MANIFEST, QUALITY, Asset
from tasks.asset.manifest import Manifest
from tasks.asset.portable import portable
from tasks.checks.verdicts import Quality
from tasks.outputs.documents import write_documents
from tasks.outputs.embeddings import read_embeddings
from tasks.outputs.findings import Findings
from tasks.outputs.report import ReportData, ReportFrame, ReportPerson, ReportPicture, render_report
from tasks.people.known import known_people, name_diarization, name_transcript
from tasks.stages.detect.track import Track
from tasks.stages.embed.document import best_crops
from tasks.stages.output import StageOutput
from tasks.stages.registry import STAGES

PACKAGES = ("mediaflow", "prefect", "faiss-cpu", "torch", "av")  # beside what each stage names
FOUND = "found.json"


class Found(BaseModel):
    """In the asset's cache: what its documents are made of, so that they can be written anew with names."""

    findings: Findings
    media: Location


class Published(StageOutput):
    manifest: Manifest

    @property
    def summary(self) -> str:
        return f"{len(self.manifest.files) + 1} files"


@task
def publish(
    asset: Asset,
    findings: Findings,
    embeddings: Path,
    manifest: Manifest,
    media: Location,
    quality: Quality | None,
) -> Published:
    """Writes every file of the asset folder and puts them in place at once, the manifest among them."""
    known = known_people(asset.output, asset.id, read_embeddings(embeddings))
    findings.names = manifest.people = known.names
    manifest.hidden = known.hidden
    manifest.files = {}
    found = portable(Found(findings=findings, media=media).model_dump_json(), asset.cache)
    storage.write_bytes(storage.join(asset.cache, FOUND), found.encode())
    files: dict[str, bytes | Path] = dict(write_documents(findings, asset.id))
    files |= {name: file for name, file in _left(findings).items() if "/" not in name}
    files["embeddings.parquet"] = embeddings
    if quality is not None:
        files[QUALITY] = quality.model_dump_json(indent=1).encode()
    names = [*files, MANIFEST]
    files |= _left(findings)
    files["report.html"] = render_report(_report_data(findings, manifest, media, names, quality)).encode()
    return Published(manifest=asset.publish(files, manifest))


def _report_data(
    findings: Findings, manifest: Manifest, media: Location, names: list[str], quality: Quality | None
) -> ReportData:
    crops = best_crops(findings)
    people: dict[str | int, list[Track]] = defaultdict(list)
    unclear: list[Track] = []
    for track in findings.tracks_with_voices:
        if track.speaker:
            track.speaker = findings.known.get(track.speaker, track.speaker)
        if f"face{track.id}" in manifest.hidden:
            continue
        if track.unclear and not track.name:
            unclear.append(track)
        else:
            people[track.name or track.person or track.id].append(track)
    return ReportData(
        media=manifest.media,
        start=manifest.start,
        duration=manifest.duration,
        notes=manifest.notes,
        damaged_packets=manifest.damaged_packets,
        media_src=str(media) if is_remote(media) else Path(media).resolve().as_uri(),
        transcript=name_transcript(findings.utterances, findings.known),
        diarization=name_diarization(findings.diarization, findings.known),
        tags=findings.tags,
        denoised=findings.denoised,
        frames=[ReportFrame(time=frame.time, faces=len(frame.faces)) for frame in findings.frames],
        pictures=[
            ReportPicture(time=picture.time, end=picture.end, thumbnail=picture.thumbnail)
            for picture in findings.pictures
            if picture.thumbnail and picture.model == findings.pictures[0].model
        ],
        people=[
            ReportPerson(tracks=tracks, crop=crops.get(max(tracks, key=_quality).id))
            for tracks in people.values()
        ],
        unclear=[ReportPerson(tracks=[track], crop=crops.get(track.id)) for track in unclear],
        stages=manifest.stages,
        models=manifest.models,
        files=names,
        quality=quality,
        sections={name: stage.report(findings) for name, stage in STAGES.items() if stage.section},
    )


def _left(findings: Findings) -> dict[str, bytes | Path]:
    """What the stages' tasks left to be published."""
    return {name: file for stage in STAGES.values() for name, file in stage.files(findings).items()}


def _quality(track: Track) -> float:
    return track.best[0].quality.overall


def software_versions() -> dict[str, str]:
    """Versions that a result may depend on."""
    named = [*PACKAGES, *(name for stage in STAGES.values() for name in stage.software)]
    return {"python": platform.python_version()} | {name: version(name) for name in named}
