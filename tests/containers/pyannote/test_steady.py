"""pyannote's clusterings on what makes them fail, and as they are otherwise."""

import numpy as np
import pytest

from containers.common.models.pyannet import quiet_loading
from tests.containers.pyannote.published import make_plda

FRAMES, WINDOWS = 50, 30
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["agglomerative", "vbx"])
def clusterings(request, tmp_path_factory):
    """Ours and upstream's, set alike."""
    with quiet_loading():
        from pyannote.audio.core.plda import PLDA
        from pyannote.audio.pipelines.clustering import AgglomerativeClustering, VBxClustering

        from containers.pyannote.published import _Agglomerative, _VBx

    if request.param == "agglomerative":
        both, given = (_Agglomerative, AgglomerativeClustering), ()
        settings = {"method": "centroid", "min_cluster_size": 12, "threshold": 0.7}
    else:
        make_plda(folder := tmp_path_factory.mktemp("plda"))
        both, given = (_VBx, VBxClustering), (PLDA(folder / "xvec_transform.npz", folder / "plda.npz"),)
        settings = {"threshold": 0.6, "Fa": 0.07, "Fb": 0.8}
    return [each(*given, metric="cosine").instantiate(settings) for each in both]


@pytest.fixture
def talk():
    """Three people in turn, two in every window, a third voice that is silent: (embeddings, activity)."""
    random = np.random.default_rng(0)
    people = random.normal(size=(3, 256))
    who = np.array([[n // 10, (n // 10 + 1) % 3] for n in range(WINDOWS)])
    embeddings = random.normal(size=(WINDOWS, 3, 256)).astype(np.float32)
    embeddings[:, :2] = people[who] + 0.3 * random.normal(size=(WINDOWS, 2, 256))
    activity = np.zeros((WINDOWS, FRAMES, 3), np.float32)
    activity[:, :20, 0] = activity[:, 20:40, 1] = 1
    return embeddings, activity


def cluster(clustering, embeddings, activity, **asked):
    from pyannote.core import SlidingWindow, SlidingWindowFeature

    windows = SlidingWindowFeature(activity, SlidingWindow(duration=10, step=1))
    bounds = {"num_clusters": None, "min_clusters": 1, "max_clusters": np.inf} | asked
    clusters, _, centroids = clustering(embeddings=embeddings, segmentations=windows, **bounds)
    return np.where(activity.any(1), clusters, -2), centroids


@pytest.mark.parametrize("asked", [{}, {"num_clusters": 2, "min_clusters": 2, "max_clusters": 2}])
def test_it_clusters_as_upstream_whatever_silent_voices_hold(clusterings, talk, asked):
    ours, theirs = clusterings
    embeddings, activity = talk
    expected, centroids = cluster(theirs, embeddings.copy(), activity, **asked)
    assert expected.max() == (1 if asked else 2)
    embeddings[:, 2] = np.nan  # silent voices are not embedded
    found, own = cluster(ours, embeddings, activity, **asked)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(own, centroids, rtol=1e-5)


def test_nobody_who_talks_alone_for_long_is_one_speaker_with_a_voice(clusterings, talk):
    embeddings, activity = talk
    activity[:, 5:20] = activity[:, 25:] = 0
    found, centroids = cluster(clusterings[0], embeddings, activity)
    assert set(found.ravel()) == {0, -2}
    np.testing.assert_allclose(centroids, embeddings[:, :2].mean((0, 1))[None], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("count", [40, 70])
def test_more_clusters_than_different_voices_are_as_many_as_there_are(clusterings, talk, count):
    embeddings, activity = talk
    embeddings[15:] = embeddings[14]
    bounds = {"num_clusters": count, "min_clusters": count, "max_clusters": count}
    found, centroids = cluster(clusterings[0], embeddings, activity, **bounds)
    assert len(centroids) == found.max() + 1 <= 30
    assert np.isfinite(centroids).all()


def test_many_windows_are_sampled(clusterings, talk, monkeypatch):
    from containers.pyannote import clustering

    embeddings, activity = talk
    expected, _ = cluster(clusterings[0], embeddings, activity)
    monkeypatch.setattr(clustering, "MAX_EMBEDDINGS", 40)
    found, _ = cluster(clusterings[0], embeddings, activity)
    pairs = set(zip(expected.ravel().tolist(), found.ravel().tolist(), strict=True))
    assert len(pairs) == 4, "the same people, by whatever numbers"
