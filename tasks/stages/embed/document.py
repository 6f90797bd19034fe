"""Faces to find people by: crops for people to look at, vectors for the search."""

from pathlib import Path
from typing import Any

from containers.common import storage
from tasks.outputs.as_json import in_cache
from tasks.outputs.findings import Findings
from tasks.stages.detect.track import Track


def best_crops(findings: Findings) -> dict[int, str]:
    """Track to the URI of its best face's crop."""
    crops: dict[int, str] = {}
    for vector in findings.vectors:
        if vector.crop:
            crops.setdefault(vector.track, vector.crop)
    return crops


def crop_files(findings: Findings) -> dict[str, bytes | Path]:
    """faces/<track>.jpg of the asset folder."""
    return {f"faces/{track:03d}.jpg": storage.read_bytes(uri) for track, uri in best_crops(findings).items()}


def face_rows(findings: Findings) -> list[dict[str, Any]]:
    """One for each best face of each track."""
    boxes = {frame.time: frame.faces for frame in findings.frames}
    tracks = {track.id: track for track in findings.tracks}
    return [
        {
            "model": face.model,
            "vector": face.vector,
            "metadata": {
                "kind": "face",
                "time": face.time,
                "face": face.face,
                "thumbnail": in_cache(face.crop),
                "track": face.track,
                "quality": face.quality,
                **_appearance(tracks.get(face.track)),
                **boxes[face.time][face.face].detection.model_dump(mode="json"),
            },
        }
        for face in findings.vectors
    ]


def _appearance(track: Track | None) -> dict[str, object]:
    """The whole of what a best crop stands for: who, from when until when, in how many samples."""
    if track is None:
        return {}
    return {"person": track.person, "shown": [track.start, track.end], "samples": len(track.seen)}
