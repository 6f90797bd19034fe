"""What of the findings goes into embeddings.parquet."""

import json

import numpy as np

from containers.common.documents.sounds import Prediction, Tags
from tasks.outputs.documents import embedding_rows, write_documents
from tasks.outputs.findings import Findings


def test_windows_of_sound_become_rows(tmp_path):
    vectors = np.random.default_rng(0).standard_normal((2, 2048)).astype(np.float32)
    np.savez(tmp_path / "sounds.npz", times=[[0, 10], [5, 15]], vectors=vectors)
    bark = Prediction(label="Bark", score=0.9, start_time=0, end_time=10, family="nature", parents=["Dog"])
    findings = Findings(tags=Tags(predictions=[bark], embeddings=(tmp_path / "sounds.npz").as_uri()))
    rows = embedding_rows(findings)
    assert [row["model"] for row in rows] == ["panns-cnn14"] * 2
    assert rows[1]["metadata"] == {"kind": "sound", "time": 5, "end": 15}
    assert np.allclose(rows[0]["vector"], vectors[0])
    assert json.loads(write_documents(findings, "asset")["tags.json"]) == {
        "predictions": [
            {
                "label": "Bark",
                "score": 0.9,
                "start_time": 0,
                "end_time": 10,
                "family": "nature",
                "parents": ["Dog"],
            }
        ]
    }


def test_a_tagger_without_embeddings_makes_no_rows():
    assert embedding_rows(Findings()) == []
