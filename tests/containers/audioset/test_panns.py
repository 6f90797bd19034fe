"""PANNs' windows, events and labels. No package carries the weights: the networks here have random ones."""

import os

import numpy as np
import pytest

from containers.audioset import panns
from containers.audioset.app import handler
from containers.audioset.contract import TagRequest
from containers.audioset.taggers import choose_tagger
from containers.common.errors import UserError
from containers.common.media.audio import load_audio
from containers.common.models.checkpoints import only_weights
from containers.common.ontology import classes

RATE = panns.SAMPLE_RATE
SHORT = {"window": 2, "hop": 1}  # seconds


class Told:
    """A tagger whose labels' scores are told by how loud a window, or each of its frames, is."""

    labels = ("Quiet", "Medium", "Loud")

    def outputs(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        frames = np.abs(batch).reshape(len(batch), -1, panns.FRAME).max(axis=2)
        frames = np.pad(frames, ((0, 0), (0, 1)), mode="edge")  # as the network: one more
        windows = frames.max(axis=1)
        return {
            "clipwise_output": scores(windows),
            "framewise_output": scores(frames),
            "embedding": np.repeat(windows[:, None], 2048, axis=1),
        }


def scores(loudness: np.ndarray) -> np.ndarray:
    return np.stack([1 - loudness, np.full(loudness.shape, 0.5), loudness], axis=-1)


def sound(*levels: float) -> list[np.ndarray]:
    """5 s of each level, one after another."""
    return [np.repeat(np.array(levels, np.float32), 5 * RATE)]


def request(**options: object) -> TagRequest:
    return TagRequest.model_validate({"audio": "", **options})


def tag(*levels: float, threshold: float = 0.3, **options: object) -> list[tuple]:
    least = dict.fromkeys(Told.labels, threshold)
    found, _ = panns.tag(Told(), sound(*levels), request(**{"top_k": 1, **options}), least)
    return [(event.label, event.score, event.start_time, event.end_time) for event in found]


def loud_events(*levels: float, threshold: float = 0.3, **options: object) -> list[tuple]:
    least = {"Quiet": 2, "Medium": 2, "Loud": threshold}
    found = panns.find_events(Told(), sound(*levels), request(mode="events", **options), least)
    return [(event.score, event.start_time, event.end_time) for event in found]


def test_windows_of_one_label_that_touch_are_one_event():
    assert tag(0.8, 0.8, 0.9, 0.8) == [("Loud", 0.9, 0, 20)]


def test_a_label_that_comes_back_later_is_another_event():
    found = tag(0.8, 0.1, 0.1, 0.1, 0.1, 0.7)
    assert [event for event in found if event[0] == "Loud"] == [("Loud", 0.8, 0, 10), ("Loud", 0.7, 20, 30)]


def test_top_k_per_window_and_threshold():
    assert [event[0] for event in tag(0.8, top_k=3, threshold=0.1)] == ["Loud", "Medium", "Quiet"]
    assert [event[0] for event in tag(0.8, top_k=2, threshold=0.1)] == ["Loud", "Medium"]
    assert [event[0] for event in tag(0.8, top_k=3, threshold=0.6)] == ["Loud"]


def test_the_last_window_ends_with_the_audio():
    assert tag(0.8, 0.8, 0.9)[-1][3] == 15
    assert tag(0.8)[-1][3] == 5


def test_silence_is_not_analysed():
    assert tag(0, 0, 0, 0) == []
    assert tag() == []


def test_every_audible_window_has_an_embedding():
    least = dict.fromkeys(Told.labels, 0.3)
    _, vectors = panns.tag(Told(), sound(0.8, 0.8, 0, 0, 0, 0.6), request(), least)
    assert [(window.start, window.end) for window, _ in vectors] == [(0, 10), (5, 15), (20, 30)]
    assert [vector.shape for _, vector in vectors] == [(2048,)] * 3


def test_events_start_and_end_with_their_frames():
    assert loud_events(0.1, 0.8, 0.1, 0.1) == [(0.8, 5, 10)]
    assert loud_events(0.1, 0.8, 0.9, 0.6, 0.1) == [(0.9, 5, 20)]  # in three windows, and one event
    assert loud_events(0.1, 0.8, 0.1, 0.7, 0.1) == [(0.8, 5, 10), (0.7, 15, 20)]
    assert loud_events(0.1, 0.1, 0.8) == [(0.8, 10, 15)]
    assert loud_events(0.8) == [(0.8, 0, 5)]
    assert loud_events(0, 0) == loud_events() == []


@pytest.mark.parametrize(("window", "hop"), [(10, 10), (10, 2), (4, 3), (1, 1)])
def test_events_do_not_depend_on_how_windows_are_cut(window, hop):
    assert loud_events(0.1, 0.8, 0.1, 0.7, window=window, hop=hop) == [(0.8, 5, 10), (0.7, 15, 20)]


def test_a_hop_that_leaves_gaps():
    with pytest.raises(UserError, match=r"A hop of 12\.0 s leaves gaps between windows of 10\.0 s"):
        handler({"audio": "file:///any.wav", "hop": 12}, None)


@pytest.fixture(scope="module")
def store(make_store, make_panns, tmp_path_factory):
    """Both networks, with random weights."""
    folder = tmp_path_factory.mktemp("panns")
    models = {
        "panns-cnn14": make_panns(folder, "Cnn14"),
        "panns-cnn14-events": make_panns(folder, "Cnn14_DecisionLevelMax"),
    }
    store = make_store(models | {"firered-aed": {}})
    for path in folder.iterdir():
        path.unlink()
    yield store
    for path in store.glob("*/*.pth"):  # 330 MB each
        path.unlink()


@pytest.fixture
def no_download(monkeypatch):
    home = os.environ["HOME"]
    monkeypatch.setattr(os, "system", lambda command: pytest.fail(f"ran {command}"))
    yield
    assert os.environ["HOME"] == home


@pytest.fixture
def audio(programme, save) -> str:
    return save(np.repeat(programme, 2)[4 * RATE : 7 * RATE], rate=RATE)


def batch_of(audio: str) -> np.ndarray:
    samples = load_audio(audio, RATE)
    return np.stack([samples[: 2 * RATE], samples[RATE:]])


@pytest.mark.slow
@pytest.mark.usefixtures("no_download")
def test_labels_and_embeddings_are_those_of_panns_inference(store, audio, tmp_path):
    """The handler against `AudioTagging` on the same checkpoint and windows."""
    assert choose_tagger("clip", None) == "panns-cnn14"
    uri = (tmp_path / "vectors.npz").as_uri()
    answer = handler({"audio": audio, "top_k": 527, "threshold": 0.01, "embeddings_uri": uri, **SHORT}, None)
    found = {event["label"]: event for event in answer["result"]["predictions"]}
    assert len(found) == 527
    assert [model["id"] for model in answer["models"]] == ["panns-cnn14"]

    from panns_inference import AudioTagging

    path = store / "panns-cnn14" / panns.CHECKPOINT
    with only_weights(panns.NUMPY):  # upstream opens its own file by torch's default, which refuses NumPy's
        tagger = AudioTagging(checkpoint_path=str(path), device="cpu")
    expected, vectors = tagger.inference(batch_of(audio))
    stored = np.load(tmp_path / "vectors.npz")
    assert stored["times"].tolist() == [[0, 2], [1, 3]]
    assert np.abs(stored["vectors"] - vectors).max() < 1e-5
    ours = panns.load(path.parent).outputs(batch_of(audio))
    assert np.abs(ours["clipwise_output"] - expected).max() < 1e-5
    for label, score in zip(tagger.labels, expected.max(axis=0), strict=True):
        assert found[label]["score"] == pytest.approx(score, abs=1e-4)
        assert (found[label]["start_time"], found[label]["end_time"]) == (0, 3)
    assert found["Bark"]["family"] == "nature"


@pytest.mark.slow
@pytest.mark.usefixtures("no_download")
def test_frames_are_those_of_panns_inference(store, audio):
    from panns_inference import SoundEventDetection

    path = store / "panns-cnn14-events" / panns.EVENTS_CHECKPOINT
    with only_weights(panns.NUMPY):
        upstream = SoundEventDetection(checkpoint_path=str(path), device="cpu")
    expected = upstream.inference(batch_of(audio))
    ours = panns.load(path.parent).outputs(batch_of(audio))["framewise_output"]
    assert ours.shape == (2, 201, 527)
    assert np.abs(ours - expected).max() < 1e-5
    answer = handler({"audio": audio, "mode": "events", "threshold": 0.01, "only": ["Animal"], **SHORT}, None)
    assert [model["id"] for model in answer["models"]] == ["panns-cnn14-events"]
    labels = {event["label"] for event in answer["result"]["predictions"]}
    assert len(labels) == 10 and all("Animal" in (*classes()[label].parents, label) for label in labels)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["panns-cnn14", "panns-cnn14-events"])
def test_a_window_scores_the_same_alone_and_in_a_batch(store, audio, model):
    batch, tagger = batch_of(audio), panns.load(store / model)
    together = tagger.outputs(batch)
    for number in range(len(batch)):
        for name, output in tagger.outputs(batch[number : number + 1]).items():
            assert np.abs(output[0] - together[name][number]).max() < 1e-5, name


@pytest.mark.slow
def test_silence_has_no_sounds(store, save):
    assert handler({"audio": save(np.zeros(3 * RATE), rate=RATE)}, None)["result"] == {"predictions": []}
