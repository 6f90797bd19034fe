"""Searching among some vectors only: by asset, kind, track, label and time."""

import pytest

from containers.common.index.found import SearchResult
from containers.faiss.app import handler
from tasks.outputs.embeddings import write_embeddings

MODEL = "face-model"
BOX = {"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0}
ROWS = [
    {"kind": "face", "time": 1.0, "track": 1, "box": BOX, "score": 0.9},
    {"kind": "face", "time": 2.0, "track": 2, "label": "Kate"},
    {"kind": "voice", "time": 3.0, "speaker": "SPEAKER_00"},
    {"kind": "sound", "time": 4.0, "end": 6.0, "label": "Music"},
    {},
]


@pytest.fixture
def found(index_uri, tmp_path):
    """Searches an index of ROWS and returns the numbers of the rows found."""
    rows = [{"model": MODEL, "vector": [1.0, n / 10], "metadata": about} for n, about in enumerate(ROWS)]
    write_embeddings(tmp_path / "film.parquet", "film", rows)
    uri = (tmp_path / "film.parquet").as_uri()
    handler({"action": "build", "index_uri": index_uri, "vectors": [uri], "model": MODEL}, None)

    def search(**where):
        event = {"action": "search", "index_uri": index_uri, "vectors": [[1.0, 0.0]], "where": where}
        matches = SearchResult.model_validate(handler(event, None)["result"]).matches[0]
        return [int(match.id.removeprefix("film#")) for match in matches]

    return search


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"assets": ["film"]}, [0, 1, 2, 3, 4]),
        ({"not_assets": ["film"]}, []),
        ({"kinds": ["face", "voice"]}, [0, 1, 2]),
        ({"kinds": []}, []),
        ({"tracks": [2]}, [1]),
        ({"labels": ["Kate", "SPEAKER_00"]}, [1, 2]),
        ({"start": 2.0, "end": 4.0}, [1, 2]),
        ({"start": 5.0}, [3]),
        ({"end": 2.0}, [0]),
        ({"kinds": ["face"], "labels": ["Kate"], "tracks": [1]}, []),
    ],
)
def test_only_what_passes_is_found(found, where, rows):
    assert found(**where) == rows


def test_a_match_says_where_it_belongs(found, index_uri):
    event = {"action": "search", "index_uri": index_uri, "vectors": [[1.0, 0.0]], "k": 1}
    best = SearchResult.model_validate(handler(event, None)["result"]).matches[0][0]
    assert (best.asset, best.model, best.kind, best.time, best.track) == ("film", MODEL, "face", 1.0, 1)
    assert best.box == BOX
    assert best.metadata == ROWS[0]
