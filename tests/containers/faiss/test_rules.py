"""When a re-index adds and when it builds anew; and what it does with a result that may not serve."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from containers.common.errors import UserError
from containers.common.index.vectors import read_rows
from containers.common.index.version import EmbeddingsFile, IndexVersion
from containers.common.storage import local_path
from containers.faiss import rules, trial
from containers.faiss.app import handler
from tasks.index.collect import write_parts

MODEL = "face-model"


@pytest.fixture
def grow(index_uri, tmp_path, parquet):
    """Re-indexes with the given number of vectors of each asset, clustered around `centre`."""
    written = {}

    def reindex(sizes, centre=1.0, **options):
        for asset, size in sizes.items():
            if (asset, size) not in written:
                random = np.random.default_rng(len(written))
                values = random.standard_normal((size, 16)) + np.r_[np.full(8, centre), np.zeros(8)]
                uri = parquet(asset, values.tolist())
                kept = tmp_path / f"{asset}{size}.parquet"
                local_path(uri).rename(kept)
                written[asset, size] = kept.as_uri()
        parts = [
            {"asset": asset, "uri": written[asset, size], "digest": f"{asset}{size}", "rows": size}
            for asset, size in sizes.items()
        ]
        write_parts([EmbeddingsFile(**part) for part in parts], tmp_path / "parts.parquet")
        event = {"action": "reindex", "index_uri": index_uri, "model": MODEL, **options}
        event["parts"] = (tmp_path / "parts.parquet").as_uri()
        return IndexVersion.model_validate(handler(event, None)["result"])

    return reindex


def test_a_little_more_is_added_to_lists(grow):
    grow({"a": 2000}, type="IVF")
    version = grow({"a": 2000, "b": 100})
    assert (version.made, version.why) == ("extended", "100 vectors added, 0 taken out")
    assert (version.count, version.trained, version.asked) == (2100, 2000, "IVF")
    assert [segment.count for segment in version.segments] == [2000, 100]
    version = grow({"b": 100, "c": 1900})
    assert (version.made, version.count) == ("built", 2000)
    assert version.why == "2000 of 4000 stored vectors are of assets that are gone"


def test_a_removed_asset_is_taken_out_of_lists(grow, index_uri):
    grow({"a": 2000, "b": 100}, type="IVF")
    version = grow({"a": 2000})
    assert (version.made, version.why, version.count) == ("extended", "0 vectors added, 100 taken out", 2000)
    version = grow({"a": 2000, "d": 30})
    assert (version.made, version.count) == ("extended", 2030)
    event = {"action": "search", "index_uri": index_uri, "vectors": [[1.0] * 16], "k": 1000}
    assert {match["asset"] for match in handler(event, None)["result"]["matches"][0]} <= {"a", "d"}


@pytest.mark.parametrize(
    ("before", "after", "options", "why"),
    [
        ({"a": 1000}, {"a": 1000, "b": 600}, {"type": "IVF"}, "trained for 1000 vectors and has 1600"),
        ({"a": 900, "b": 100}, {"a": 900}, {"type": "HNSW"}, "nothing can be taken out of HNSW32,Flat"),
        ({"a": 300}, {"a": 300, "b": 10}, {"rebuild": True}, "it was asked for"),
        ({"a": 300}, {}, {}, "no vectors are left"),
    ],
)
def test_built_anew(grow, before, after, options, why):
    grow(before, type=options.get("type"))
    version = grow(after, **options)
    assert version.made == "built"
    assert why in version.why
    assert version.count == sum(after.values())


def test_another_type_is_asked_for(grow):
    grow({"a": 300})
    version = grow({"a": 300, "b": 1}, type="HNSW")
    assert (version.made, version.type) == ("built", "HNSW32,Flat")
    assert version.why == "type 'HNSW' is asked for instead of 'auto'"


def test_auto_changes_its_mind_when_an_exact_scan_would_take_too_long(grow, monkeypatch):
    grow({"a": 300})
    monkeypatch.setattr("containers.faiss.choose.EXACT_VALUES", 16 * 305)
    assert grow({"a": 300, "b": 5}).made == "extended"
    version = grow({"a": 300, "b": 5, "c": 5})
    assert (version.made, version.why) == ("built", "auto now chooses HNSW32,Flat instead of Flat")


def test_new_vectors_that_are_unlike_those_the_lists_were_made_of(grow):
    grow({"a": 2000}, centre=4.0, type="IVF")
    version = grow({"a": 2000, "b": rules.DRIFT_VECTORS}, centre=-4.0)
    assert version.made == "built"
    assert "they drift" in version.why


def test_a_damaged_version_is_made_again_from_the_assets(grow, index_uri):
    grow({"a": 300})
    with (local_path(index_uri) / "v000001/index.faiss").open("ab") as stream:
        stream.write(b"?")
    version = grow({"a": 300, "b": 10})
    assert (version.version, version.why, version.count) == ("v000002", "v000001 is damaged", 310)


def test_what_finds_too_little_after_adding_is_built_anew(grow, monkeypatch):
    grow({"a": 2000}, type="IVF")
    actual, made = trial.tune, []

    def found_too_little(opened, *given):
        made.append(opened.version.made)
        return actual(opened, *given) if opened.version.made == "built" else (opened.version.tuning, 0.5)

    monkeypatch.setattr(trial, "tune", found_too_little)
    version = grow({"a": 2000, "b": 100})
    assert made == ["extended", "built"]
    assert version.why.startswith("added to, it was not good enough: IVF51,Flat finds 0.50")
    assert version.count == 2100


def test_a_result_that_may_not_serve_leaves_the_version_before(grow, index_uri, monkeypatch):
    before = grow({"a": 2000}, type="IVF")
    monkeypatch.setattr(trial, "recall_of", lambda *given: 0.4)
    with pytest.raises(trial.NotGoodEnough, match=r"finds 0\.40 of the 10 nearest, 0\.95 are wanted"):
        grow({"a": 2000, "b": 100})
    folder = local_path(index_uri)
    assert (folder / "current").read_text() == f'{{"version": "{before.version}"}}'
    assert not list(folder.glob(".v*.part")) and not (folder / "v000002").exists()


def test_vectors_that_do_not_find_themselves_are_noticed(grow, monkeypatch):
    """As when rows and vectors are out of step: recall is measured by slots and would not see it."""
    grow({"a": 500})
    actual = trial.refined

    def out_of_step(opened, queries, slots, k):
        scores, found = actual(opened, queries, slots, k)
        return scores, (found + 1) % opened.version.count

    monkeypatch.setattr(trial, "refined", out_of_step)
    with pytest.raises(trial.NotGoodEnough, match="stored vectors do not find themselves"):
        grow({"a": 500, "b": 20})


def test_a_part_with_rows_of_another_asset_is_named(index_uri, tmp_path, vectors_of):
    part = {"asset": "b", "uri": vectors_of("a"), "digest": "1", "rows": 3}
    pq.write_table(pa.Table.from_pylist([part]), tmp_path / "parts.parquet")
    event = {"action": "reindex", "index_uri": index_uri, "model": MODEL}
    with pytest.raises(UserError, match="holds vectors of other assets than b"):
        handler({**event, "parts": (tmp_path / "parts.parquet").as_uri()}, None)
    assert len(read_rows([part["uri"]], MODEL)) == 3
