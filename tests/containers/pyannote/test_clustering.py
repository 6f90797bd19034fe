"""How many speakers there are: distances between voices, and voices heard side by side."""

import numpy as np
import pytest

from containers.common.models.pyannet import quiet_loading

pytestmark = pytest.mark.slow
FRAMES = 50  # of a 5 s window


@pytest.fixture
def cluster():
    """`cluster(embeddings, activity)`: (windows, voices) speaker numbers."""
    from pyannote.core import SlidingWindow, SlidingWindowFeature

    with quiet_loading():
        from containers.pyannote.clustering import MIN_CLUSTER_SIZE, THRESHOLD, SpeakerClustering

    clustering = SpeakerClustering(metric="cosine")
    clustering.instantiate(
        {"method": "average", "threshold": THRESHOLD, "min_cluster_size": MIN_CLUSTER_SIZE}
    )

    def call(embeddings: np.ndarray, activity: np.ndarray, **asked: int) -> np.ndarray:
        windows = SlidingWindowFeature(activity, SlidingWindow(duration=5, step=0.5))
        return clustering(embeddings, windows, **asked)[0]

    return call


def voices(distance: float, windows: int) -> np.ndarray:
    """Two voices a cosine distance apart with a little noise, in every window, shape (windows, 2, 256)."""
    one, other = np.zeros((2, 256))
    one[0] = 1
    other[:2] = 1 - distance, np.sqrt(1 - (1 - distance) ** 2)
    noise = np.random.default_rng(0).normal(0, 0.004, (windows, 2, 256))
    heard = np.stack([one, other]) + noise
    return heard / np.linalg.norm(heard, axis=-1, keepdims=True)


def taking_turns(windows: int) -> np.ndarray:
    """Both voices in each window, one in its first half and one in its second."""
    activity = np.zeros((windows, FRAMES, 2))
    activity[:, : FRAMES // 2, 0] = activity[:, FRAMES // 2 :, 1] = 1
    return activity


def one_at_a_time(windows: int) -> np.ndarray:
    """The first voice in the first windows, the second in the others."""
    activity = np.zeros((windows, FRAMES, 2))
    activity[: windows // 2, :, 0] = activity[windows // 2 :, :, 1] = 1
    return activity


def test_alike_voices_in_the_same_windows_are_two_speakers(cluster):
    clusters = cluster(voices(0.25, 40), taking_turns(40))
    assert (clusters[:, 0] != clusters[:, 1]).all()


def test_the_same_voices_never_heard_side_by_side_are_one(cluster):
    embeddings, activity = voices(0.25, 40), one_at_a_time(40)
    embeddings[activity.sum(1) == 0] = np.nan
    assert cluster(embeddings, activity).max() == 0


def test_different_voices_never_heard_side_by_side_are_two(cluster):
    embeddings, activity = voices(0.5, 40), one_at_a_time(40)
    embeddings[activity.sum(1) == 0] = np.nan
    assert cluster(embeddings, activity).max() == 1


def test_one_voice_that_the_network_splits_is_one_speaker(cluster):
    assert cluster(voices(0.05, 40), taking_turns(40)).max() == 0


def test_an_upper_bound_holds_against_the_evidence(cluster):
    assert cluster(voices(0.25, 40), taking_turns(40), max_clusters=1).max() == 0


def test_hours_of_speech_are_clustered_in_bounded_memory(cluster):
    clusters = cluster(voices(0.5, 12_000), taking_turns(12_000))
    assert clusters.shape == (12_000, 2)
    assert (clusters[:, 0] != clusters[:, 1]).all()


@pytest.mark.parametrize(("windows", "own", "speakers"), [(50, 4, 2), (50, 3, 1), (300, 12, 2), (300, 11, 1)])
def test_a_speaker_needs_fewer_windows_in_a_short_recording(cluster, windows, own, speakers):
    embeddings, activity = voices(0.5, windows), np.zeros((windows, FRAMES, 2))
    activity[:-own, :, 0] = activity[-own:, :, 1] = 1
    embeddings[activity.sum(1) == 0] = np.nan
    assert cluster(embeddings, activity).max() + 1 == speakers
