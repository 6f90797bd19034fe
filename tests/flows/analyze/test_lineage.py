"""What a run's lineage says."""

from pathlib import Path

from containers.common.contract import ModelRef
from containers.common.image import image
from flows.analyze.lineage import lineage
from tasks.asset.folder import Asset
from tasks.asset.manifest import FileEntry, StageEntry
from tests.tasks.asset.test_folder import make_manifest


def test_each_result_is_traced_to_what_made_it(tmp_path: Path) -> None:
    manifest = make_manifest()
    manifest.stages = [
        StageEntry(name="decode", status="done"),
        StageEntry(name="denoise", status="skipped", reason="left out"),
        StageEntry(name="diarize", status="done"),
        StageEntry(name="link", status="skipped", reason="the media has no picture"),
        StageEntry(name="publish", status="done"),
    ]
    manifest.models = [ModelRef(id="ge2e-speaker", revision="1", sha256="f" * 64)]
    manifest.embeddings = {"ge2e-speaker": 2}
    manifest.files = {"diarization.json": FileEntry(sha256="a" * 64, size=9)}
    asset = Asset(output=tmp_path, id=manifest.asset)
    made = {(row["kind"], row["thing"]): row for row in lineage(asset, manifest)}
    assert made["media", "a.wav"]["identity"] == manifest.media.sha256
    assert made["stage", "diarize"]["by"] == f"pyannote {image('pyannote').version}"
    assert made["stage", "decode"]["made of"] == "a.wav"
    assert made["stage", "diarize"]["made of"] == "decode", "what was left out made nothing"
    assert made["stage", "publish"]["made of"] == "stages"
    assert ("stage", "link") not in made, "it made nothing"
    assert made["model", "ge2e-speaker"]["identity"] == "f" * 64
    assert made["file", "diarization.json"]["identity"] == "a" * 64
    assert made["index", f"{asset.index_uri}/ge2e-speaker"]["by"] == "2 vectors"
