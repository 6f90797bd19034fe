"""Which index auto takes, and the sentence that says why."""

import pytest

from containers.common.errors import UserError
from containers.common.index.version import IndexVersion
from containers.faiss.app import handler
from containers.faiss.choose import choose, factory_string

MB = 2**20


@pytest.mark.parametrize(
    ("count", "dimension", "memory", "recall", "kind"),
    [
        (1, 512, 1024, 0.95, "Flat"),
        (20_000, 512, 1024, 0.95, "Flat"),
        (50_000, 512, 1024, 0.95, "HNSW32,Flat"),
        (50_000, 512, 60, 0.95, "IVF894,SQ8"),
        (1_000_000, 128, 1024, 0.95, "IVF4000,Flat"),
        (1_000_000, 512, 4096, 0.95, "IVF4000,Flat"),
        (1_000_000, 512, 1024, 0.95, "IVF4000,SQ8"),
        (1_000_000, 512, 400, 0.95, "IVF4000,SQ4"),
        (1_000_000, 512, 128, 0.95, "IVF4000,PQ64"),
        (1_000_000, 512, 4096, 1.0, "Flat"),
    ],
)
def test_auto_chooses_by_number_dimension_memory_and_recall(count, dimension, memory, recall, kind):
    assert choose(count, dimension, memory * MB, recall).type == kind


def test_it_says_why():
    reason = choose(1_000_000, 512, 1024 * MB, 0.95).reason
    assert reason == (
        "1,000,000 vectors of 512 dimensions are too many for an exact scan, so 4000 lists are searched; "
        "in 8 bits a number they take 504 MB of the 1,024 MB allowed (1,969 MB whole would not fit), "
        "compared exactly at the end."
    )


def test_memory_that_nothing_fits():
    with pytest.raises(UserError, match="need at least 31 MB in short product-quantised codes of memory"):
        choose(1_000_000, 512, 20 * MB, 0.95)


def test_names_that_stand_for_settings():
    assert factory_string("IVF", 5) == "IVF1,Flat"
    assert factory_string("HNSW", 5) == "HNSW32,Flat"
    assert factory_string("OPQ8,IVF4,PQ8", 5) == "OPQ8,IVF4,PQ8"


@pytest.mark.parametrize("kind", ["IVF", "HNSW", "IVF16,SQ8", "IVF16,PQ8x4", "PQ8x4"])
def test_a_version_says_why_it_is_what_it_is_and_how_wide_it_is_searched(index_uri, vectors_of, kind):
    event = {"action": "build", "index_uri": index_uri, "model": "face-model", "type": kind}
    given = [vectors_of("a", 1000, dimension=32)]
    made = IndexVersion.model_validate(handler({**event, "vectors": given}, None)["result"])
    assert made.reason == f"The type '{kind}' was asked for."
    assert (made.made, made.why, made.trained) == ("built", "it was asked for", 1000)
    assert made.recall >= 0.95, "codes too: the nearest candidates are compared exactly"
    assert bool(made.tuning.nprobe) == ("IVF" in kind)
    assert bool(made.tuning.ef_search) == (kind == "HNSW")
    assert (made.tuning.refine > 1) == ("Q" in kind)
