"""From vectors in Parquet to the nearest ones: what a user asks and what the answer looks like."""

import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from containers.common.errors import StorageError, UserError
from containers.common.index.found import SearchResult
from containers.common.index.version import IndexVersion
from containers.common.storage import local_path
from containers.faiss.app import handler
from containers.faiss.opened import read_arrow
from containers.faiss.rows import COLUMNS
from tasks.outputs.embeddings import read_embeddings

MODEL = "face-model"


def build(index_uri, *vectors, **options):
    event = {"action": "build", "index_uri": index_uri, "vectors": list(vectors), "model": MODEL, **options}
    return IndexVersion.model_validate(handler(event, None)["result"])


def search(index_uri, vectors, **options):
    event = {"action": "search", "index_uri": index_uri, "vectors": vectors, **options}
    return SearchResult.model_validate(handler(event, None)["result"])


def ids(result, query=0):
    return [match.id for match in result.matches[query]]


def test_build_then_search(index_uri, parquet):
    file = parquet("party", [[1, 0], [0.6, 0.8], [0, 2]])
    version = build(index_uri, file)
    assert (version.version, version.count, version.dimension) == ("v000001", 3, 2)
    assert (version.type, version.metric, version.model) == ("Flat", "cosine", MODEL)

    found = search(index_uri, [[2, 0]], k=2)
    best, second = found.matches[0]
    assert (best.id, best.asset, best.metadata) == ("party#0", "party", {"time": 0})
    assert best.score == pytest.approx(1) and second.score == pytest.approx(0.6)
    assert found.version == "v000001"


def test_euclidean_scores_are_distances(index_uri, parquet):
    build(index_uri, parquet("party", [[0, 0], [3, 4]]), metric="euclidean")
    matches = search(index_uri, [[0, 0]]).matches[0]
    assert [match.score for match in matches] == pytest.approx([0, 5])


def test_only_rows_of_the_model_are_taken(index_uri, parquet):
    faces, voices = parquet("a", [[1, 0]]), parquet("b", [[1, 0, 0]], model="voice-model")
    assert build(index_uri, faces, voices).count == 1


def test_fewer_vectors_than_asked_for(index_uri, vectors_of):
    build(index_uri, vectors_of("a", 3))
    assert len(search(index_uri, [[1] * 8], k=1000).matches[0]) == 3


def test_several_queries_at_once(index_uri, parquet):
    build(index_uri, parquet("a", [[1, 0], [0, 1]]))
    found = search(index_uri, [[0, 1], [1, 0]], k=1)
    assert (ids(found, 0), ids(found, 1)) == (["a#1"], ["a#0"])


@pytest.mark.parametrize(
    "kind", ["Flat", "IVF", "IVF16,Flat", "HNSW", "HNSW16", "PCA8,Flat", "SQ8", "IVF4,PQ8x4"]
)
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_index_types(index_uri, vectors_of, capfd, kind, metric):
    """Every vector finds itself; compressed types may confuse near ones."""
    file = vectors_of("a", 400, dimension=16)
    build(index_uri, file, type=kind, metric=metric)
    queries = [row["vector"] for row in read_embeddings(local_path(file))[:50]]
    found = search(index_uri, queries, k=5)
    hits = np.mean([f"a#{number}" in ids(found, number) for number in range(50)])
    assert hits >= (0.9 if kind != "IVF4,PQ8x4" else 0.7)
    assert "WARNING" not in capfd.readouterr().err


@pytest.mark.parametrize("kind", ["Flat", "IVF", "HNSW", "PCA8,Flat", "SQ8", "PQ4"])
def test_search_in_some_assets_only(index_uri, vectors_of, kind):
    """A small asset among many is found completely, and nothing else is."""
    files = [vectors_of("crowd", 2000, seed=1), vectors_of("small", 5, seed=2)]
    build(index_uri, *files, type=kind)
    found = search(index_uri, [[1] * 8], k=10, where={"assets": ["small"]})
    assert sorted(ids(found)) == [f"small#{number}" for number in range(5)]
    assert search(index_uri, [[1] * 8], where={"assets": ["nobody"]}).matches == [[]]


def test_ivf_alone_chooses_lists_that_suit_the_number_of_vectors(index_uri, vectors_of):
    assert build(index_uri, vectors_of("a", 5), type="IVF").type == "IVF1,Flat"
    assert build(index_uri, vectors_of("a", 390), type="IVF").type == "IVF10,Flat"


def test_what_lies_on_disk(index_uri, vectors_of):
    build(index_uri, vectors_of("a", 4))
    folder = local_path(index_uri)
    assert (folder / "current").read_text() == '{"version": "v000001"}'
    assert {path.name for path in (folder / "v000001").iterdir()} == {
        "index.faiss",  # what faiss searches
        "rows.arrow",  # what is known of each vector
        "vectors.f32",  # the exact vectors
        "parts.parquet",  # whose embeddings are in it
        "truth.npz",  # the exact nearest of a sample: what the index is tried out on
        "manifest.json",
    }
    assert np.fromfile(folder / "v000001/vectors.f32", np.float32).shape == (4 * 8,)
    assert read_arrow(folder / "v000001/rows.arrow").column_names == [*COLUMNS.names, "slot"]
    assert pq.read_table(folder / "v000001/parts.parquet")["asset"].to_pylist() == ["a"]
    IndexVersion.model_validate_json((folder / "v000001/manifest.json").read_text())


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([[1, 0], [1, 0, 0]], r"need one dimension, these have \[2, 3\]"),
        ([[1, float("nan")]], "'a#0' has values that are not numbers"),
        ([[1, float("inf")]], "'a#0' has values that are not numbers"),
        ([[1, 0], [0, 0]], "'a#1' is all zeros"),
        ([[]], "need one dimension"),
        ([None], "need one dimension"),
        ([], "There are no vectors of model 'face-model'"),
    ],
)
def test_vectors_that_cannot_be_indexed(index_uri, parquet, values, sentence):
    with pytest.raises(UserError, match=sentence):
        build(index_uri, parquet("a", values))
    assert not (local_path(index_uri) / "current").exists()


def test_zero_is_a_point_like_any_other_to_euclidean_distance(index_uri, parquet):
    assert build(index_uri, parquet("a", [[0, 0]]), metric="euclidean").count == 1


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("IVF64,Flat", "needs at least 64 vectors, there are 3"),
        ("PQ4x8", "faiss cannot make 'PQ4x8' of 3 vectors: Number of training points"),
        ("Nonsense", "faiss has no cosine index 'Nonsense' for 8 dimensions"),
    ],
)
def test_types_that_do_not_suit(index_uri, vectors_of, kind, sentence):
    with pytest.raises(UserError, match=sentence):
        build(index_uri, vectors_of("a"), type=kind)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ([1, 0, 0], "holds vectors of 8 dimensions, not of 3"),
        ([float("nan")] * 8, "not numbers"),
        ([0] * 8, "'query 0' is all zeros"),
    ],
)
def test_queries_that_cannot_be_answered(index_uri, vectors_of, query, sentence):
    build(index_uri, vectors_of("a"))
    with pytest.raises(UserError, match=sentence):
        search(index_uri, [query])


def test_no_index(index_uri):
    with pytest.raises(UserError, match="There is no index at"):
        search(index_uri, [[1, 0]])


def test_files_that_are_not_vectors(index_uri, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    with pytest.raises(UserError, match=r"notes\.txt is not a Parquet file of vectors"):
        build(index_uri, text.as_uri())
    pq.write_table(pq.read_table(_tiny(tmp_path)).drop(["vector"]), tmp_path / "half.parquet")
    with pytest.raises(UserError, match=r"half\.parquet has no column 'vector'"):
        build(index_uri, (tmp_path / "half.parquet").as_uri())
    with pytest.raises(StorageError, match="There is no file"):
        build(index_uri, (tmp_path / "absent.parquet").as_uri())


def _tiny(folder):
    from tasks.outputs.embeddings import write_embeddings

    write_embeddings(folder / "tiny.parquet", "a", [{"model": MODEL, "vector": [1.0]}])
    return folder / "tiny.parquet"


def test_the_same_id_twice(index_uri, vectors_of):
    file = vectors_of("a")
    with pytest.raises(UserError, match="The id 'a#0' occurs twice"):
        build(index_uri, file, file)


def test_a_damaged_index_is_not_searched(index_uri, vectors_of):
    build(index_uri, vectors_of("a"))
    with (local_path(index_uri) / "v000001/index.faiss").open("ab") as stream:
        stream.write(b"?")
    with pytest.raises(UserError, match=r"index\.faiss is damaged"):
        search(index_uri, [[1] * 8])


def test_importing_the_handler_does_not_import_faiss():
    code = "import sys, containers.faiss.app; sys.exit('faiss' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_faiss_says_nothing_when_it_is_loaded():
    code = (
        "import logging; logging.basicConfig(level='INFO');"
        "from containers.faiss.index import library; library()"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
