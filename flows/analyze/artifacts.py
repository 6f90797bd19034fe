"""The finished analysis in the Prefect UI: what was found, timings, costs, pictures and links."""

import base64
from pathlib import Path

import jinja2

from containers.common import storage
from flows.analyze.lineage import lineage
from flows.analyze.ui import somebody_looks
from flows.runs.artifacts import (
    as_markdown,
    create_image_artifact,
    create_markdown_artifact,
    create_table_artifact,
)
from flows.service.results import link_to
from tasks.asset.folder import MANIFEST, Asset
from tasks.asset.manifest import Manifest
from tasks.media.decoded import Decoded
from tasks.outputs.face_sheet import face_sheet
from tasks.outputs.findings import Findings
from tasks.outputs.labels import speaker_name
from tasks.outputs.report_view import list_speakers
from tasks.outputs.sound_picture import spectrogram

TEMPLATES = Path(__file__).parent / "templates"


def show_result(asset: Asset, manifest: Manifest, findings: Findings, decoded: Decoded) -> None:
    """Call it while the decoded sound is there: its picture is made of it."""
    if not somebody_looks():
        return
    name = manifest.media.name
    create_markdown_artifact(
        _page(asset, manifest, findings), key=f"found-{asset.id}", description=f"What was found in {name}"
    )
    create_table_artifact(
        _stages(manifest), key=f"stages-{asset.id}", description=f"What each stage found in {name}"
    )
    create_table_artifact(
        lineage(asset, manifest),
        key=f"lineage-{asset.id}",
        description=f"What {name} was made of, and by what",
    )
    if manifest.costs:
        calls = [call.model_dump() for call in manifest.costs.calls]
        total = f"About {manifest.costs.amount:.4f} {manifest.costs.currency}, by {manifest.costs.prices}"
        create_table_artifact(calls, key=f"costs-{asset.id}", description=total)
    for key, picture, kind, text in (
        ("faces", face_sheet(findings), "jpeg", f"Everybody who is seen in {name}, with the time"),
        ("sound", _sound(findings, decoded), "png", f"Spectrogram of {name}"),
    ):
        if picture:
            create_image_artifact(_inline(picture, kind), key=f"{key}-{asset.id}", description=text)


def _page(asset: Asset, manifest: Manifest, findings: Findings) -> str:
    speakers = list_speakers(findings.diarization, findings.utterances)
    span = {"start": manifest.start, "duration": manifest.duration}
    timeline = _render("speakers.svg.j2", speakers=speakers, **span) if speakers else None
    return _render(
        "found.md.j2",
        manifest=manifest,
        folder=asset.place,
        link=lambda name: link_to(asset.remote or asset.output, asset.id, name),
        shelf=link_to(asset.remote or asset.output, "index.html"),
        findings=findings,
        words=sum(len(segment.words) for segment in findings.transcript.segments),
        files=[name for name in [*manifest.files, MANIFEST] if "/" not in name],
        timeline=timeline and _inline(timeline.encode(), "svg+xml"),
    )


def _sound(findings: Findings, decoded: Decoded) -> bytes | None:
    """Before and after where noise was removed, else the sound as it was; None when its file has gone."""
    if findings.denoised and findings.denoised.spectrogram:
        return storage.read_bytes(findings.denoised.spectrogram)
    path = decoded.audio_16k and Path(decoded.audio_16k.removeprefix("file://"))
    return spectrogram(path) if path and path.exists() else None


def _stages(manifest: Manifest) -> list[dict[str, object]]:
    return [
        {
            "stage": stage.name,
            "state": "kept" if stage.kept else stage.status,
            "found": stage.found or stage.reason or "",
            "seconds": stage.seconds,
            "loading models": stage.load_seconds,
            "inside models": stage.compute_seconds,
        }
        for stage in manifest.stages
    ]


def _render(template: str, **values: object) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"markdown": as_markdown, "speaker_name": speaker_name}
    return environment.get_template(template).render(**values)


def _inline(picture: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
