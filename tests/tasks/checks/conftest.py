"""An asset folder whose every fact is plausible, small enough to be read."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from containers.common.models.store import sha256_of
from tasks.outputs.embeddings import write_embeddings

FACE = {
    "detection": {"box": {"x": 100.0, "y": 150.0, "width": 80.0, "height": 100.0}, "score": 0.95},
    "expressions": {"happy": 0.8, "sad": 0.1, "neutral": 0.1},
    "ageAndGender": {"age": 25.0, "gender": "female", "genderProbability": 0.9},
}
GOOD: dict[str, Any] = {
    "transcript.srt": (
        "1\n00:00:00,000 --> 00:00:05,200\n[SPEAKER_00] 안녕하세요, 반갑습니다.\n\n"
        "2\n00:00:06,000 --> 00:00:09,000\n[SPEAKER_01] 네.\n"
    ),
    "transcript.json": {
        "language": "ko",
        "segments": [
            {
                "start": 0.0,
                "end": 5.2,
                "text": "안녕하세요, 반갑습니다.",
                "words": [
                    {"word": "안녕하세요,", "start": 0.0, "end": 1.5, "score": 0.95},
                    {"word": "반갑습니다.", "start": 1.6, "end": 5.2, "score": 0.9},
                ],
            },
            {
                "start": 6.0,
                "end": 9.0,
                "text": "네.",
                "speaker": "SPEAKER_01",
                "words": [{"word": "네.", "start": 6.0, "end": 9.0, "score": 0.8, "speaker": "SPEAKER_01"}],
            },
        ],
    },
    "diarization.json": {
        "turns": [
            {"start": 0.0, "end": 5.2, "speaker": "SPEAKER_00"},
            {"start": 5.0, "end": 9.0, "speaker": "SPEAKER_01"},
        ],
        "exclusive_turns": [
            {"start": 0.0, "end": 5.0, "speaker": "SPEAKER_00"},
            {"start": 5.0, "end": 9.0, "speaker": "SPEAKER_01"},
        ],
        "speakers": [{"speaker": "SPEAKER_00"}, {"speaker": "SPEAKER_01"}],
    },
    "tags.json": {"predictions": [{"label": "Speech", "score": 0.9, "start_time": 0.0, "end_time": 9.0}]},
    "faces.json": {
        "frames": [
            {"time": 1.0, "width": 640, "height": 480, "faces": [FACE]},
            {"time": 2.0, "width": 640, "height": 480, "faces": []},
        ],
        "tracks": [{"id": 0, "start": 1.0, "end": 1.0, "seen": [{"time": 1.0, "face": 0}]}],
    },
    "noise.json": {"track": [{"time": 0.0, "snr_db": 20.0}]},
}
MANIFEST: dict[str, Any] = {
    "duration": 10.0,
    "created": "2026-11-20T12:00:00Z",
    "options": {"index": True},
    "stages": [],
    "embeddings": {"ge2e-speaker": 2},
    "media": {
        "name": "talk.mp4",
        "sha256": "a" * 64,
        "size": 1000,
        "audio_codec": "aac",
        "video_codec": "h264",
    },
    "models": [{"id": "whisper-base", "revision": "1", "sha256": "b" * 64}],
    "software": {"python": "3.11"},
}


def vectors() -> list[dict[str, Any]]:
    voices = [
        {
            "model": "ge2e-speaker",
            "vector": list(np.eye(4)[n]),
            "metadata": {"kind": "voice", "speaker": f"{n}"},
        }
        for n in range(2)
    ]
    faces = [
        {
            "model": "faceapi",
            "vector": [0.1 * n, 0.2, 0.3],
            "metadata": {"kind": "face", "time": float(n // 2), "track": n},
        }
        for n in range(4)
    ]
    return voices + faces


@pytest.fixture(scope="session")
def make_asset(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes an asset folder; `spoil(documents, manifest, vectors)` may change what goes into it."""

    def make(spoil: Callable[..., object] = lambda *_: None, name: str = "asset") -> Path:
        documents, manifest, rows = copy.deepcopy(GOOD), copy.deepcopy(MANIFEST), vectors()
        spoil(documents, manifest, rows)
        folder = tmp_path_factory.mktemp("assets") / name
        folder.mkdir()
        for file, content in documents.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (folder / file).write_text(text, encoding="utf-8")
        write_embeddings(folder / "embeddings.parquet", name, rows)
        unnamed = manifest.pop("unnamed", None)
        manifest["files"] = manifest.get("files", {}) | {
            path.name: {"sha256": sha256_of(path), "size": path.stat().st_size} for path in folder.iterdir()
        }
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        if unnamed:
            (folder / unnamed).write_text("nobody's")
        return folder

    return make
