"""An asset folder's files as tables, one row a fact, with the columns that rules compare.

Every row says which `asset` it belongs to and which `row` of its file it is.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from containers.common.inside import existing
from containers.common.models.embeddings import embeddings
from containers.common.models.store import sha256_of
from tasks.checks import across
from tasks.checks.reading import Documents
from tasks.checks.table import Rows, Table
from tasks.outputs.embeddings import read_embeddings
from tasks.stages.registry import STAGES

SLACK = 0.5  # seconds that a result may reach over the media's end: a model's last window is padded
# Of every asset, whatever stages it has.
OF_ALL = {
    "documents": ["file", "readable", "finite", "shaped", "why"],
    **across.COLUMNS,
    "embeddings": [
        "model",
        "dimension",
        "model_dimension",
        "finite",
        "empty",
        "norm",
        "fact",
        "tracks",
        "at_once",
        "time",
    ],
    "manifest": ["kind", "name", "version", "sha256", "size", "found_size", "found_sha256", "named"],
}
MANIFEST = "manifest.json"
Tables = dict[str, pd.DataFrame]


def tables_of(
    asset: str,
    documents: Mapping[str, bytes],
    embeddings: Path,
    manifest: dict[str, Any],
    folder: Path | None = None,
) -> Tables:
    """Tables by name from the JSON files, `embeddings.parquet` and the manifest.

    With `folder`, the asset's files are compared with what the manifest says of them.
    """
    read = Documents({name: content for name, content in documents.items() if name != MANIFEST})
    start, length = manifest.get("start", 0.0), manifest.get("duration")
    latest = 0.0
    if isinstance(start, (int, float)) and isinstance(length, (int, float)):
        latest = float(start + length) + SLACK
    rows: dict[str, Rows] = {}
    for each in stage_tables().values():
        document = read.get(each.document)
        rows[each.name] = (
            [] if document is None else read.look(each.document, functools.partial(each.rows, document))
        )
    rows |= across.rows_of(read, documents)
    rows["embeddings"] = read.look(embeddings.name, lambda: _embeddings(embeddings))
    rows["manifest"] = read.look(MANIFEST, lambda: _manifest(manifest, folder))
    rows["documents"] = read.rows
    return {name: _table(asset, name, found, latest) for name, found in rows.items()}


def damaged(asset: str, why: str) -> Tables:
    """What is left to say of an asset whose manifest cannot be read."""
    read = Documents({})
    read.fault(MANIFEST, "readable", why)
    return {
        name: _table(asset, name, read.rows if name == "documents" else [], 0.0)
        for name in (*stage_tables(), *OF_ALL)
    }


def stage_tables() -> dict[str, Table]:
    """By name, what the stages' documents are checked as. Raises ValueError where two have one name."""
    tables: dict[str, Table] = {}
    for stage in STAGES.values():
        for table in stage.tables():
            if table.name in tables or table.name in OF_ALL:
                raise ValueError(f"Two tables are named {table.name}; {stage.name}'s is one of them.")
            tables[table.name] = table
    return tables


def _columns(name: str) -> Sequence[str]:
    return OF_ALL[name] if name in OF_ALL else stage_tables()[name].columns


def join(tables: list[Tables]) -> Tables:
    """The tables of many assets as one of each kind."""
    return {
        name: pd.concat([each[name] for each in tables], ignore_index=True)
        for name in (*stage_tables(), *OF_ALL)
    }


def _table(asset: str, name: str, rows: Rows, latest: float) -> pd.DataFrame:
    full = [{"asset": asset, "row": number, "latest": latest} | row for number, row in enumerate(rows)]
    return pd.DataFrame(full, columns=["asset", "row", *_columns(name)])


def _embeddings(path: Path) -> Rows:
    rows = read_embeddings(path)
    known = embeddings()
    dimensions: dict[str, int] = {}
    found: Rows = []
    shared: dict[tuple[str, bytes], list[dict[str, Any]]] = {}
    for row in rows:
        vector = np.asarray(row["vector"], np.float64)
        if row["metadata"].get("kind") == "face":
            shared.setdefault((row["model"], vector.tobytes()), []).append(row["metadata"])
    for row in rows:
        vector = np.asarray(row["vector"], np.float64)
        same = shared.get((row["model"], vector.tobytes()), [])
        tracks = {(one.get("time"), one.get("track")) for one in same}
        normalised = row["model"] not in known or known[row["model"]].normalised
        found.append(
            {
                "model": row["model"],
                "dimension": len(vector),
                "model_dimension": dimensions.setdefault(row["model"], len(vector)),
                "finite": bool(np.isfinite(vector).all()),
                "empty": not vector.any(),
                "tracks": len({track for _, track in tracks}),
                "at_once": len(tracks) - len({time for time, _ in tracks}),
                "norm": float(np.linalg.norm(vector)) if normalised else None,
                "time": row["metadata"].get("time"),
                "fact": json.dumps([row["model"], row["metadata"]], sort_keys=True),
            }
        )
    return found


def _manifest(manifest: dict[str, Any], folder: Path | None) -> Rows:
    """What the manifest vouches for; with a `folder`, its files as they are found there."""
    media = manifest["media"]
    rows: Rows = [{"kind": "media", "name": media["name"], "sha256": media["sha256"], "size": media["size"]}]
    rows += [
        {"kind": "model", "name": model["id"], "version": model["revision"], "sha256": model["sha256"]}
        for model in manifest["models"]
    ]
    rows += [
        {"kind": "software", "name": name, "version": version}
        for name, version in manifest["software"].items()
    ]
    for name, entry in manifest["files"].items() if folder else ():
        assert folder
        path = existing(folder, name)
        found = {"found_size": path.stat().st_size, "found_sha256": sha256_of(path)} if path else {}
        rows.append({"kind": "file", "name": name, "found_size": -1, "found_sha256": "", **entry, **found})
    for name in _unnamed(folder, manifest) if folder else ():
        rows.append({"kind": "file", "name": name, "named": False})
    for row in rows:
        if row["kind"] in ("media", "file"):
            row["version"] = "by its hash"
    return [
        {"named": True, "found_size": row.get("size"), "found_sha256": row.get("sha256"), **row}
        for row in rows
    ]


def _unnamed(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """Files of the asset folder that nobody vouches for."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if name not in manifest["files"] and name != MANIFEST)
