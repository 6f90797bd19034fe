"""Everything found, written as the asset folder."""

import platform
from importlib.metadata import version
from pathlib import Path

from prefect import task

from tasks.asset import Asset
from tasks.documents import Findings, write_documents
from tasks.manifest import Manifest
from tasks.report import render_report
from tasks.report_data import report_data
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
    files["report.html"] = render_report(report_data(findings, manifest, media, asset.folder)).encode()
    return Published(manifest=asset.publish(files, manifest))


def software_versions() -> dict[str, str]:
    """Versions that a result may depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
