"""Asset folders as analyses publish them, with what a test says was said, heard and seen."""

import json
from pathlib import Path
from typing import Any

from containers.common.models.store import sha256_of


def publish(
    output: Path,
    asset: str,
    said: list[tuple[Any, ...]] = [],  # noqa: B006
    *,
    heard: list[tuple[str, float, float]] = [],  # noqa: B006
    seen: list[tuple[str, float, float]] = [],  # noqa: B006
    names: dict[str, str] | None = None,
    language: str = "en",
    broken: bool = False,
    recorded: dict[str, str] | None = None,
    **manifest: Any,
) -> Path:
    """`said`: text, start, end, and where given the speaker and the language; `seen` by person or name."""
    folder = output / asset
    folder.mkdir(parents=True, exist_ok=True)
    documents: dict[str, Any] = {
        "transcript.json": {
            "segments": [
                {
                    "text": text,
                    "start": start,
                    "end": end,
                    "speaker": more[0] if more else "SPEAKER_00",
                    "language": more[1] if len(more) > 1 else language,
                }
                for text, start, end, *more in said
            ],
            "language": language,
            "names": names or {},
        },
        "tags.json": {
            "predictions": [
                {"label": label, "score": 0.9, "start_time": start, "end_time": end}
                for label, start, end in heard
            ]
        },
        "faces.json": {
            "frames": [],
            "tracks": [
                {"id": number, "person": f"PERSON_{number:03}", "name": name, "start": start, "end": end}
                for number, (name, start, end) in enumerate(seen)
            ],
        },
    }
    if broken:
        verdict = {"table": "words", "rule": "r", "severity": "critical", "checked": 1, "broken": 1}
        documents["quality.json"] = {"verdicts": [verdict]}
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    about = {
        "asset": asset,
        "media": {
            "name": f"{asset[0]}.mp4",
            "sha256": "a" * 64,
            "size": 1,
            "format": "mp4",
            "duration": 60.0,
            "recorded": recorded,
        },
        "duration": 60.0,
        "options": {},
        "complete": True,
        "stages": [],
        "models": [],
        "software": {},
        "created": "2026-11-25T00:00:00Z",
        "seconds": 1.0,
        "fingerprint": "",
        "files": {
            name: {"sha256": sha256_of(folder / name), "size": (folder / name).stat().st_size}
            for name in documents
        },
    }
    (folder / "manifest.json").write_text(json.dumps(about | manifest))
    return folder
