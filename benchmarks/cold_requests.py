"""A small real request for each image: the first thing that it could be asked."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from containers.common.index.vectors import SCHEMA
from containers.faiss.contract import UpdateRequest
from containers.faiss.update import update
from tasks.media.demo import PICTURES, sample_speech

VECTORS, DIMENSION = 1_000, 128


def requests(folder: Path) -> dict[str, dict[str, Any]]:
    """For 30 s of a telephone call (whisperx: one sentence of it, 3.8 s), a picture of three people, an index
    of 1,000 vectors and a model that is in the store already."""
    speech, picture = sample_speech().as_uri(), (PICTURES / "sample1.jpg").as_uri()
    index = (folder / "index").as_uri()
    query = _build_index(folder, index)
    return {
        "whisperx": {"audio": speech, "start": 10.5, "end": 14.3},
        "pyannote": {"audio": speech},
        "faceapi": {"images": [picture]},
        "facenet": {"images": [{"image": picture}]},
        "deepfilternet": {"audio": speech, "audio_uri": (folder / "denoised.flac").as_uri(), "mode": "on"},
        "audioset": {"audio": speech},
        "faiss": {"action": "search", "index_uri": index, "vectors": [query]},
        "model_downloader": {"models": ["silero-vad"]},
    }


def _build_index(folder: Path, index: str) -> list[float]:
    """Random unit vectors; answers one of them."""
    vectors = np.random.default_rng(0).standard_normal((VECTORS, DIMENSION), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    columns = {
        "id": [f"asset#{number}" for number in range(VECTORS)],
        "asset": ["asset"] * VECTORS,
        "model": ["synthetic"] * VECTORS,
        "vector": vectors.tolist(),
        "metadata": ["{}"] * VECTORS,
    }
    path = folder / "vectors.parquet"
    pq.write_table(pa.table(columns, schema=SCHEMA), path)
    update(UpdateRequest(action="build", index_uri=index, model="synthetic", vectors=[path.as_uri()]))
    return vectors[0].tolist()
