"""What was analysed since the last version is found at once, and taken in by the next re-index."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from containers.common.errors import UserError
from containers.common.index.delta import list_delta, write_delta
from containers.common.index.found import SearchResult
from containers.common.index.vectors import SCHEMA, read_rows
from containers.common.index.version import IndexVersion
from containers.common.storage import local_path
from containers.faiss.app import handler

MODEL = "face-model"


@pytest.fixture
def analysed(index_uri, vectors_of):
    """An asset is analysed: its vectors come into the delta. Returns the part that a re-index would list."""

    def put(asset, count=3, seed=0, dimension=8):
        uri = vectors_of(asset, count, seed=seed, dimension=dimension)
        digest = f"digest-{seed}-{count}"
        write_delta(index_uri, asset, digest, read_rows([uri], MODEL))
        return {"asset": asset, "uri": uri, "digest": digest, "rows": count}

    return put


def reindex(index_uri, parts, tmp_path, **options):
    pq.write_table(pa.Table.from_pylist(parts), tmp_path / "parts.parquet")
    event = {"action": "reindex", "index_uri": index_uri, "model": MODEL, **options}
    event["parts"] = (tmp_path / "parts.parquet").as_uri()
    return IndexVersion.model_validate(handler(event, None)["result"])


def found(index_uri, **options):
    event = {"action": "search", "index_uri": index_uri, "vectors": [[1.0] * 8], "k": 1000, **options}
    result = SearchResult.model_validate(handler(event, None)["result"])
    assets = [match.asset for match in result.matches[0]]
    return result.version, {asset: assets.count(asset) for asset in assets}


def test_what_was_just_analysed_is_found_before_there_is_any_version(index_uri, analysed):
    analysed("a", 3)
    assert found(index_uri) == ("", {"a": 3})
    analysed("b", 2, seed=1)
    assert found(index_uri) == ("", {"a": 3, "b": 2})
    assert found(index_uri, where={"assets": ["b"]}) == ("", {"b": 2})


def test_version_and_delta_are_searched_together_best_first(index_uri, analysed, tmp_path):
    reindex(index_uri, [analysed("a", 3), analysed("b", 3, seed=1)], tmp_path)
    analysed("c", 2, seed=2)
    event = {"action": "search", "index_uri": index_uri, "vectors": [[1.0] * 8], "k": 8}
    matches = handler(event, None)["result"]["matches"][0]
    scores = [match["score"] for match in matches]
    assert len(matches) == 8 and scores == sorted(scores, reverse=True)
    assert found(index_uri) == ("v000001", {"a": 3, "b": 3, "c": 2})


def test_an_asset_analysed_again_is_found_as_it_is_now(index_uri, analysed, tmp_path):
    reindex(index_uri, [analysed("a", 3), analysed("b", 3, seed=1)], tmp_path)
    analysed("a", 5, seed=7)
    assert found(index_uri)[1] == {"a": 5, "b": 3}
    analysed("a", 0, seed=8)  # analysed once more, and now nobody is seen
    assert found(index_uri)[1] == {"b": 3}
    assert len(list_delta(index_uri, newest=False)) == 1


def test_the_next_version_takes_the_delta_in(index_uri, analysed, tmp_path):
    parts = [analysed("a", 3)]
    reindex(index_uri, parts, tmp_path)
    assert list_delta(index_uri) == []
    parts = [analysed("a", 4, seed=5), analysed("b", 2, seed=1)]
    version = reindex(index_uri, parts, tmp_path)
    assert (version.version, version.count, list_delta(index_uri)) == ("v000002", 6, [])
    assert found(index_uri) == ("v000002", {"a": 4, "b": 2})
    assert reindex(index_uri, parts, tmp_path) == version, "nothing new, no new version"


def test_an_analysis_that_ends_during_the_reindex_stays_in_the_delta(index_uri, analysed, tmp_path):
    listed = analysed("a", 3)
    analysed("a", 4, seed=9)
    analysed("late", 2, seed=3)
    reindex(index_uri, [listed], tmp_path)
    assert {file.asset for file in list_delta(index_uri)} == {"a", "late"}
    assert found(index_uri) == ("v000001", {"a": 4, "late": 2})


def test_a_kill_between_switching_and_tidying_changes_nothing(index_uri, analysed, tmp_path, monkeypatch):
    monkeypatch.setattr("containers.faiss.update.sweep", lambda *given: None)
    parts = [analysed("a", 3), analysed("b", 2, seed=1)]
    reindex(index_uri, parts, tmp_path)
    assert len(list_delta(index_uri)) == 2
    assert found(index_uri) == ("v000001", {"a": 3, "b": 2}), "each vector once"
    monkeypatch.undo()
    reindex(index_uri, parts, tmp_path)
    assert list_delta(index_uri) == []


def test_an_asset_without_vectors_of_this_model_makes_no_version(index_uri, analysed, tmp_path):
    parts = [analysed("a", 3)]
    first = reindex(index_uri, parts, tmp_path)
    write_delta(index_uri, "silent", "digest-s", SCHEMA.empty_table())
    parts.append({"asset": "silent", "uri": "file:///nowhere", "digest": "digest-s", "rows": 0})
    assert reindex(index_uri, parts, tmp_path) == first
    assert list_delta(index_uri) == []


def test_a_delta_of_another_dimension_is_named(index_uri, analysed, tmp_path):
    reindex(index_uri, [analysed("a", 3)], tmp_path)
    analysed("wide", 1, dimension=9)
    with pytest.raises(UserError, match="holds vectors of 8 dimensions, not of 9 as in wide"):
        found(index_uri)


def test_only_new_files_of_the_delta_are_read_again(index_uri, analysed, monkeypatch):
    from containers.faiss import overlay

    read = []
    actual = overlay.read_delta
    monkeypatch.setattr(overlay, "read_delta", lambda uri, file: read.append(file.asset) or actual(uri, file))
    for number, asset in enumerate("abc"):
        analysed(asset, seed=number)
        found(index_uri)
        found(index_uri)
    assert read == ["a", "b", "c"]


def test_euclidean_scores_are_one_scale_in_version_and_delta(index_uri, tmp_path, parquet):
    first = {"asset": "a", "uri": parquet("a", [[0, 0]]), "digest": "1", "rows": 1}
    reindex(index_uri, [first], tmp_path, metric="euclidean")
    write_delta(index_uri, "b", "2", read_rows([parquet("b", [[3, 4]])], MODEL))
    event = {"action": "search", "index_uri": index_uri, "vectors": [[0.0, 0.0]]}
    scores = [match["score"] for match in handler(event, None)["result"]["matches"][0]]
    assert np.allclose(scores, [0, 5])


def test_what_a_writer_leaves_in_the_delta_when_it_dies_is_not_read(index_uri, analysed):
    analysed("a", 3)
    (local_path(index_uri) / "delta/.b.digest.parquet.77.part.parquet").write_bytes(b"half")
    assert found(index_uri)[1] == {"a": 3}
