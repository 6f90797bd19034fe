"""Rules over a whole store: planted faults in search indexes, and what a blocked asset leaves there."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from containers.faiss.app import handler
from tasks.checks.check import check_tables
from tasks.checks.index_tables import Vectors, index_tables
from tasks.checks.store_rules import store_rules
from tasks.checks.verdicts import Quality
from tasks.outputs.embeddings import write_embeddings
from tasks.stages.index.run import index

MODEL = "ge2e-speaker"
GOOD = {name: Vectors({MODEL: 2}, blocked=False, wanted=True) for name in ("film", "talk", "late")}


def add(store: Path, asset: str) -> str:
    path = store / asset / "embeddings.parquet"
    rows = [{"model": MODEL, "vector": row.tolist(), "metadata": {}} for row in np.eye(4)[:2]]
    write_embeddings(path, asset, rows)
    index.fn(asset, path, [MODEL], store / "index")
    return path.as_uri()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """An index whose version holds `film` and `talk`, and `late` beside it in the delta."""
    uris = [add(tmp_path, asset) for asset in ("film", "talk")]
    event = {"action": "build", "index_uri": (tmp_path / "index" / MODEL).as_uri(), "model": MODEL}
    handler({**event, "vectors": uris}, None)
    add(tmp_path, "late")
    return tmp_path


def check(store: Path, assets: dict[str, Vectors] = GOOD) -> Quality:
    return check_tables(index_tables((store / "index").as_uri(), assets))


def edit(**changes: object) -> Callable[[Path], None]:
    def change(version: Path) -> None:
        manifest = json.loads((version / "manifest.json").read_text())
        (version / "manifest.json").write_text(json.dumps(manifest | changes))

    return change


def cut(name: str) -> Callable[[Path], None]:
    return lambda version: (version / name).write_bytes((version / name).read_bytes()[:-4])


FAULTS = [
    (lambda version: (version / "rows.arrow").write_bytes(b"none"), "An index can be read."),
    (edit(model="facenet-vggface2"), "An index holds vectors of one model, the one it is named after."),
    (edit(count=7), "An index has as many rows as its manifest says."),
    (cut("vectors.f32"), "An index has a vector for every row."),
    (edit(dimension=5), "An index has a vector for every row."),
    (cut("index.faiss"), "An index's file is the one that was tried out."),
    (edit(recall=0.4), "An index finds the true neighbours (recall@10)."),
    (edit(dimension=0), "An index's vectors have a dimension."),
]
OF_ASSETS = [
    (GOOD | {"film": Vectors({MODEL: 3}, False, True)}, "The index has every vector of an asset."),
    (GOOD | {"gone?": Vectors({MODEL: 1}, False, True)}, "The index has every vector of an asset."),
    (GOOD | {"film": Vectors({MODEL: 2}, True, True)}, "The index has nothing of an asset that is blocked."),
    (GOOD | {"late": Vectors({MODEL: 2}, True, True)}, "The index has nothing of an asset that is blocked."),
    (
        {name: GOOD[name] for name in ("film", "late")},
        "The index has nothing of an asset that is gone.",
    ),
]


def broken(quality: Quality) -> set[str]:
    return {verdict.rule for verdict in quality.verdicts if verdict.broken}


def test_a_good_index_keeps_every_rule(store: Path) -> None:
    quality = check(store)
    assert broken(quality) == set()
    assert {verdict.table: verdict.checked for verdict in quality.verdicts} == {"index": 1, "indexed": 3}
    assert "An index's vectors have a dimension." in {verdict.rule for verdict in quality.verdicts}


def test_a_store_without_an_index(tmp_path: Path) -> None:
    assert broken(check(tmp_path)) == set()


@pytest.mark.parametrize(("plant", "rule"), FAULTS)
def test_a_fault_of_a_version_is_named(store: Path, plant: Callable[[Path], None], rule: str) -> None:
    plant(store / "index" / MODEL / "v000001")
    quality = check(store)
    assert rule in broken(quality)
    (verdict,) = [each for each in quality.verdicts if each.rule == rule]
    assert verdict.assets == {f"index/{MODEL}": 1}


@pytest.mark.parametrize(("assets", "rule"), OF_ASSETS)
def test_what_the_index_has_of_an_asset_is_what_it_should_have(
    store: Path, assets: dict[str, Vectors], rule: str
) -> None:
    assert broken(check(store, assets)) == {rule}


def test_an_asset_that_is_not_to_be_searched_needs_no_vectors(store: Path) -> None:
    assert broken(check(store, GOOD | {"private": Vectors({MODEL: 9}, False, wanted=False)})) == set()


def test_every_rule_has_a_fault() -> None:
    rules = {each.description for table in ("index", "indexed") for each in store_rules()[table]}
    assert rules == {rule for _, rule in [*FAULTS, *OF_ASSETS]}
