"""A version that was added to is tried out on the truth of the one before: the parts that still hold."""

import numpy as np
import pytest

from containers.common.index.version import IndexVersion
from containers.common.index.versions import manifest
from containers.faiss.app import handler
from containers.faiss.opened import open_version
from containers.faiss.truth import SAMPLE, read_truth

MODEL = "face-model"


@pytest.fixture
def change(index_uri, vectors_of):
    def update(asset: str, count: int, seed: int, **options: object) -> IndexVersion:
        event = {"action": "add", "index_uri": index_uri, "model": MODEL, "type": "IVF16,Flat", **options}
        event["vectors"] = [vectors_of(asset, count, seed=seed)]
        return IndexVersion.model_validate(handler(event, None)["result"])

    return update


def exactly(index_uri: str, version: str, slots: np.ndarray) -> np.ndarray:
    """The cosine of each slot's vector with every vector in use, without faiss; -1 where none is in use."""
    opened = open_version(index_uri, manifest(index_uri, version))
    cosines = np.full((len(slots), opened.starts[-1]), -1.0)
    cosines[:, opened.slots] = opened.exact(slots) @ opened.exact(opened.slots).T
    return cosines


def check_truth(index_uri: str, version: str) -> np.ndarray:
    truth = read_truth(index_uri, version)
    cosines = exactly(index_uri, version, truth.slots)
    assert len(set(truth.slots.tolist())) == SAMPLE
    assert truth.scores == pytest.approx(-np.sort(-cosines, axis=1)[:, :11], abs=1e-5)
    assert np.take_along_axis(cosines, truth.near, 1) == pytest.approx(truth.scores, abs=1e-5)
    assert (truth.near[:, 0] == truth.slots).all()
    assert truth.nearest.shape == (SAMPLE, 10) and not (truth.nearest == truth.slots[:, None]).any()
    return truth.slots


def test_what_is_added_comes_into_the_truth_of_queries_and_among_them(index_uri, change):
    change("a", 2000, 1)
    before = check_truth(index_uri, "v000001")
    assert change("b", 400, 2).made == "extended"
    after = check_truth(index_uri, "v000002")
    assert (after >= 2000).any() and len(np.intersect1d(before, after)) == 83  # a sixth is new, as of all


def test_queries_that_lost_one_of_their_nearest_are_drawn_anew(index_uri, change):
    change("a", 2000, 1)
    change("b", 100, 2)
    assert change("b", 90, 3, replace_assets=["b"]).made == "extended"
    slots = check_truth(index_uri, "v000003")
    assert not ((slots >= 2000) & (slots < 2100)).any()


@pytest.mark.parametrize("kind", ["Flat", "IVF4,Flat", "HNSW"])
def test_of_equal_vectors_any_is_the_nearest(index_uri, parquet, kind):
    """A still that is shown for ten seconds, ten copies of one file: whichever is found, it is right."""
    once = np.random.default_rng(0).standard_normal((100, 8))
    event = {"action": "build", "index_uri": index_uri, "model": MODEL, "type": kind, "recall": 0.99}
    event["vectors"] = [parquet("copies", np.repeat(once, 10, axis=0).tolist())]
    assert IndexVersion.model_validate(handler(event, None)["result"]).recall == 1


def test_a_version_made_before_truths_were_kept_is_added_to(index_uri, change, tmp_path):
    change("a", 2000, 1)
    (tmp_path / "index" / "v000001" / "truth.npz").unlink()
    assert change("b", 20, 2).made == "extended"
    check_truth(index_uri, "v000002")
