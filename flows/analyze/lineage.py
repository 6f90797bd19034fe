"""What an asset folder was made of, as rows of a table: media, weights, stages, files, vectors."""

from containers.common.image import image
from tasks.asset.folder import Asset
from tasks.asset.manifest import Manifest
from tasks.stages.registry import STAGES

Row = dict[str, str]


def lineage(asset: Asset, manifest: Manifest) -> list[Row]:
    """`thing` is made of `made of` by `by`; `identity` says which one it is, and changes with its content."""
    media = manifest.media
    rows = [_row("media", media.name, manifest.source or "", "", media.sha256)]
    rows += [_row("model", model.id, "", model.revision, model.sha256) for model in manifest.models]
    done = [entry.name for entry in manifest.stages if entry.status == "done"]
    for name in done:
        if stage := STAGES.get(name):
            needs = [need for need in ("decode", *stage.needs, *stage.after) if need in done]
            made_by = f"{stage.image} {image(stage.image).version}" if stage.image else "tasks"
            rows.append(_row("stage", name, ", ".join(needs), made_by, ""))
        else:  # the first of all, or one that takes what the others found
            rows.append(_row("stage", name, media.name if name == "decode" else "stages", "tasks", ""))
    for name, file in manifest.files.items():
        rows.append(_row("file", name, "stages", "publish", file.sha256))
    for model, vectors in manifest.embeddings.items():
        rows.append(
            _row("index", f"{asset.index_uri}/{model}", "embeddings.parquet", f"{vectors} vectors", "")
        )
    return rows


def _row(kind: str, thing: str, made_of: str, by: str, identity: str) -> Row:
    return {"kind": kind, "thing": thing, "made of": made_of, "by": by, "identity": identity}
