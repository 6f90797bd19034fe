"""Everything found, written as the asset folder."""

import platform
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

from prefect import task

from tasks.asset import MANIFEST, Asset
from tasks.documents import Findings, write_documents
from tasks.manifest import Manifest
from tasks.report import ReportData, ReportFace, ReportFrame, render_report
from tasks.stage import StageOutput

PACKAGES = (
    "mediaflow",
    "prefect",
    "whisperx",
    "pyannote.audio",
    "facenet-pytorch",
    "faiss-cpu",
    "torch",
    "av",
)


class Published(StageOutput):
    manifest: Manifest

    @property
    def summary(self) -> str:
        return f"{len(self.manifest.files) + 1} files"


@task
def publish(asset: Asset, findings: Findings, embeddings: Path, manifest: Manifest, media: Path) -> Published:
    """Writes every file of the asset folder and puts them in place at once, the manifest among them."""
    files: dict[str, bytes | Path] = dict(write_documents(findings, asset.id))
    files["embeddings.parquet"] = embeddings
    names = [*files, MANIFEST]
    files["report.html"] = render_report(_report_data(findings, manifest, media, names)).encode()
    return Published(manifest=asset.publish(files, manifest))


def _report_data(findings: Findings, manifest: Manifest, media: Path, names: list[str]) -> ReportData:
    crops: dict[float, dict[int, str | None]] = defaultdict(dict)
    for vector in findings.vectors:
        crops[vector.time][vector.face] = vector.crop
    frames = [
        ReportFrame(
            time=frame.time,
            faces=[
                ReportFace(face=face, crop=crops[frame.time].get(number))
                for number, face in enumerate(frame.faces)
            ],
        )
        for frame in findings.frames
    ]
    return ReportData(
        media=manifest.media,
        duration=manifest.duration,
        media_src=media.resolve().as_uri(),
        transcript=findings.utterances,
        diarization=findings.diarization,
        tags=findings.tags,
        frames=frames,
        stages=manifest.stages,
        models=manifest.models,
        files=names,
    )


def software_versions() -> dict[str, str]:
    """Versions that a result may depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
