"""An asset's vectors become searchable by a small file beside the index, at the asset's own cost."""

import pytest

from containers.common.errors import UserError
from containers.faiss.app import handler
from tasks.outputs.embeddings import read_embeddings, write_embeddings
from tasks.stages.index.run import index, withdraw

FACE = {"model": "facenet", "vector": [0.6, 0.8], "metadata": {"kind": "face", "time": 1.0}}
VOICE = {"model": "ge2e", "vector": [1.0, 0.0, 0.0], "metadata": {"kind": "voice"}}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "index"


@pytest.fixture
def analysed(tmp_path, folder):
    def run(asset, *rows):
        path = tmp_path / f"{asset}.parquet"
        write_embeddings(path, asset, rows)
        return index.fn(asset, path, sorted({row["model"] for row in rows}), folder)

    return run


def assets(folder, model, query):
    event = {"action": "search", "index_uri": (folder / model).as_uri(), "vectors": [query]}
    return sorted(match["asset"] for match in handler(event, None)["result"]["matches"][0])


def test_each_models_vectors_are_found_in_its_index(analysed, folder):
    output = analysed("film", FACE, FACE, VOICE)
    assert output.summary == "2 vectors of facenet, 1 vectors of ge2e"
    assert assets(folder, "facenet", [1, 0]) == ["film", "film"]
    assert assets(folder, "ge2e", [1, 0, 0]) == ["film"]


def test_an_asset_analysed_again_loses_what_it_had(analysed, folder):
    analysed("film", FACE, VOICE)
    analysed("other", FACE)
    analysed("film", VOICE)
    assert assets(folder, "facenet", [1, 0]) == ["other"]
    assert assets(folder, "ge2e", [1, 0, 0]) == ["film"]


def test_an_asset_in_a_version_is_hidden_when_it_has_no_vectors_any_more(analysed, folder, tmp_path):
    analysed("film", FACE)
    given = [(tmp_path / "film.parquet").as_uri()]
    event = {"action": "build", "index_uri": (folder / "facenet").as_uri(), "vectors": given}
    handler({**event, "model": "facenet"}, None)
    analysed("film", VOICE)
    assert assets(folder, "facenet", [1, 0]) == []


def test_nothing_is_written_where_an_asset_never_was(analysed, folder):
    analysed("film", FACE)
    analysed("talk", VOICE)
    assert [path.name.split(".")[0] for path in (folder / "facenet/delta").iterdir()] == ["film"]


def test_what_is_withdrawn_is_found_no_more(analysed, folder):
    analysed("film", FACE, VOICE)
    analysed("other", FACE, VOICE)
    withdraw("film", "0" * 64, folder)
    assert assets(folder, "facenet", [1, 0]) == ["other"]
    assert assets(folder, "ge2e", [1, 0, 0]) == ["other"]


def test_no_vectors_at_all(analysed, folder):
    assert analysed("silence").summary == "nothing to add"
    assert not folder.exists()


@pytest.mark.parametrize(
    ("vector", "sentence"),
    [([float("nan"), 1.0], "not numbers"), ([0.0, 0.0], "all zeros"), ([1.0] * 3, "2 dimensions, not of 3")],
)
def test_what_would_break_every_search_is_refused(analysed, folder, tmp_path, vector, sentence):
    analysed("film", FACE)
    event = {"action": "build", "index_uri": (folder / "facenet").as_uri(), "model": "facenet"}
    handler({**event, "vectors": [(tmp_path / "film.parquet").as_uri()]}, None)
    with pytest.raises(UserError, match=sentence):
        analysed("bad", {**FACE, "vector": vector})
    assert assets(folder, "facenet", [1, 0]) == ["film"]
    assert len(read_embeddings(tmp_path / "bad.parquet")) == 1, "the asset keeps what was found"
