"""An asset folder's files as tables, one row a fact, with the columns that rules compare.

Every row says which `asset` it belongs to and which `row` of its file it is.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from containers.common.models.store import sha256_of
from tasks.outputs.embeddings import read_embeddings

SLACK = 0.5  # seconds that a result may reach over the media's end: a model's last window is padded
UNNORMALISED = {"faceapi", "panns-cnn14"}  # compared by distance, or normalised when they are indexed
Rows = list[dict[str, Any]]
BOX = ("left", "top", "right", "bottom", "width", "height")
# Every column that a rule names, so that a file without rows still makes a whole table.
COLUMNS = {
    "segments": ["start", "end", "before", "latest", "language", "characters_per_second"],
    "words": ["start", "end", "before", "score", "segment_start", "segment_end"],
    "turns": ["start", "end", "latest", "speaker", "known"],
    "exclusive_turns": ["start", "end", "before", "before_end", "latest"],
    "tags": ["label", "score", "start", "end", "latest"],
    "faces": ["time", "latest", "score", "inside", "expressions", "age", "gender_probability", *BOX],
    "embeddings": ["model", "dimension", "model_dimension", "finite", "norm", "fact"],
    "manifest": ["kind", "name", "version", "sha256", "size", "found_size", "found_sha256"],
}
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
    read = {name: json.loads(documents[name]) for name in documents if name.endswith(".json")}
    latest = float(manifest["duration"]) + SLACK
    diarization = read["diarization.json"]
    rows = {
        "segments": _segments(read["transcript.json"]),
        "words": _words(read["transcript.json"]),
        "turns": _turns(diarization),
        "exclusive_turns": _ordered(diarization["exclusive_turns"]),
        "tags": _tags(read["tags.json"]),
        "faces": _faces(read["faces.json"]),
        "embeddings": _embeddings(embeddings),
        "manifest": _manifest(manifest, folder),
    }
    return {name: _table(asset, name, found, latest) for name, found in rows.items()}


def join(tables: list[Tables]) -> Tables:
    """The tables of many assets as one of each kind."""
    return {name: pd.concat([each[name] for each in tables], ignore_index=True) for name in COLUMNS}


def _table(asset: str, name: str, rows: Rows, latest: float) -> pd.DataFrame:
    full = [{"asset": asset, "row": number, "latest": latest} | row for number, row in enumerate(rows)]
    return pd.DataFrame(full, columns=["asset", "row", *COLUMNS[name]])


def _ordered(rows: Rows) -> Rows:
    """Each row with the start and the end of the one before it."""
    before = [{"start": 0.0, "end": 0.0}, *rows]
    return [
        {**row, "before": other["start"], "before_end": other["end"]}
        for row, other in zip(rows, before, strict=False)
    ]


def _segments(transcript: dict[str, Any]) -> Rows:
    return [
        {
            **segment,
            "language": segment.get("language") or transcript["language"],
            "characters_per_second": len(segment["text"]) / max(segment["end"] - segment["start"], 0.1),
        }
        for segment in _ordered(transcript["segments"])
    ]


def _words(transcript: dict[str, Any]) -> Rows:
    return [
        {**word, "segment_start": segment["start"], "segment_end": segment["end"]}
        for segment in transcript["segments"]
        for word in _ordered(segment.get("words", []))
    ]


def _turns(diarization: dict[str, Any]) -> Rows:
    known = {speaker["speaker"] for speaker in diarization["speakers"]}
    return [{**turn, "known": turn["speaker"] in known} for turn in diarization["turns"]]


def _tags(tags: dict[str, Any]) -> Rows:
    return [
        {**event, "start": event["start_time"], "end": event["end_time"]} for event in tags["predictions"]
    ]


def _faces(document: dict[str, Any]) -> Rows:
    rows: Rows = []
    for frame in document["frames"]:
        for face in frame["faces"]:
            box, person = face["detection"]["box"], face["ageAndGender"]
            rows.append(
                {
                    "time": frame["time"],
                    "score": face["detection"]["score"],
                    "inside": _inside(box, frame["width"], frame["height"]),
                    "expressions": sum(face["expressions"].values()),
                    "age": person["age"],
                    "gender_probability": person["genderProbability"],
                    "left": box["x"],
                    "top": box["y"],
                    "right": box["x"] + box["width"],
                    "bottom": box["y"] + box["height"],
                    "width": frame["width"],
                    "height": frame["height"],
                }
            )
    return rows


def _inside(box: dict[str, float], width: float, height: float) -> float | None:
    """Share of the box's area that is inside the frame; none for a box without an area."""
    across = min(box["x"] + box["width"], width) - max(box["x"], 0)
    down = min(box["y"] + box["height"], height) - max(box["y"], 0)
    area = box["width"] * box["height"]
    return max(0, across) * max(0, down) / area if area > 0 else None


def _embeddings(path: Path) -> Rows:
    rows = read_embeddings(path)
    dimensions: dict[str, int] = {}
    found: Rows = []
    for row in rows:
        vector = np.asarray(row["vector"], np.float64)
        found.append(
            {
                "model": row["model"],
                "dimension": len(vector),
                "model_dimension": dimensions.setdefault(row["model"], len(vector)),
                "finite": bool(np.isfinite(vector).all()),
                "norm": None if row["model"] in UNNORMALISED else float(np.linalg.norm(vector)),
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
        path = folder / name
        found = {"found_size": path.stat().st_size, "found_sha256": sha256_of(path)} if path.is_file() else {}
        rows.append({"kind": "file", "name": name, "found_size": -1, "found_sha256": "", **entry, **found})
    for row in rows:
        if row["kind"] in ("media", "file"):
            row["version"] = "by its hash"
    return [{"found_size": row.get("size"), "found_sha256": row.get("sha256"), **row} for row in rows]
