"""Cnn14's windows and labels. No package carries its weights: the network here has random ones."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from containers.audioset import panns
from containers.audioset.app import choose_model, handler
from containers.common.errors import UserError

RATE = panns.SAMPLE_RATE


class Told:
    """A tagger whose labels' scores are told by how loud a window is."""

    labels = ("Quiet", "Medium", "Loud")

    def scores(self, batch: np.ndarray) -> np.ndarray:
        loudness = np.abs(batch).max(axis=1)
        return np.stack([1 - loudness, np.full(len(batch), 0.5), loudness], axis=1)


@pytest.fixture
def told(monkeypatch):
    monkeypatch.setattr(panns, "load", lambda folder: Told())


def tag(*levels: float, top_k: int = 1, threshold: float = 0.3, hop: float = 5.0) -> list[tuple]:
    """What is found in 5 s of each level, one after another."""
    audio = np.repeat(np.array(levels, np.float32), 5 * RATE)
    found = panns.tag(Path(), [audio], threshold, top_k, 10.0, hop)
    return [(event.label, event.score, event.start_time, event.end_time) for event in found]


@pytest.mark.usefixtures("told")
def test_windows_of_one_label_that_touch_are_one_event():
    assert tag(0.8, 0.8, 0.9, 0.8) == [("Loud", 0.9, 0, 20)]


@pytest.mark.usefixtures("told")
def test_a_label_that_comes_back_later_is_another_event():
    found = tag(0.8, 0.1, 0.1, 0.1, 0.1, 0.7)
    assert [event for event in found if event[0] == "Loud"] == [("Loud", 0.8, 0, 10), ("Loud", 0.7, 20, 30)]


@pytest.mark.usefixtures("told")
def test_top_k_per_window_and_threshold():
    assert [event[0] for event in tag(0.8, top_k=3, threshold=0.1)] == ["Loud", "Medium", "Quiet"]
    assert [event[0] for event in tag(0.8, top_k=2, threshold=0.1)] == ["Loud", "Medium"]
    assert [event[0] for event in tag(0.8, top_k=3, threshold=0.6)] == ["Loud"]


@pytest.mark.usefixtures("told")
def test_the_last_window_ends_with_the_audio():
    assert tag(0.8, 0.8, 0.9)[-1][3] == 15
    assert tag(0.8)[-1][3] == 5


@pytest.mark.usefixtures("told")
def test_silence_is_not_analysed():
    assert tag(0, 0, 0, 0) == []
    assert tag() == []


def test_a_hop_that_leaves_gaps():
    with pytest.raises(UserError, match=r"A hop of 12\.0 s leaves gaps between windows of 10\.0 s"):
        handler({"audio": "file:///any.wav", "hop": 12}, None)


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory):
    """Cnn14 as it is published, `{"model": state_dict}` and a label file, with random weights."""
    import torch

    folder = tmp_path_factory.mktemp("cnn14")
    with (folder / panns.LABELS).open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["index", "mid", "display_name"])
        rows.writerows([number, f"/m/{number:04}", f"Sound, kind {number}"] for number in range(527))
    with panns._home_with(folder / panns.LABELS):
        from panns_inference.models import Cnn14
    torch.manual_seed(0)
    network = Cnn14(RATE, 1024, 320, 64, 50, 14000, 527)
    torch.save({"model": network.state_dict()}, folder / panns.CHECKPOINT)
    files = {name: folder / name for name in (panns.CHECKPOINT, panns.LABELS)}
    store = make_store({"panns-cnn14": files, "firered-aed": {}})
    (folder / panns.CHECKPOINT).unlink()  # 330 MB
    yield store / "panns-cnn14"
    (store / "panns-cnn14" / panns.CHECKPOINT).unlink()


@pytest.mark.slow
def test_scores_are_those_of_panns_inference(store, programme, save, monkeypatch):
    """The handler against `AudioTagging` on the same checkpoint and windows."""
    home = os.environ["HOME"]
    monkeypatch.setattr(os, "system", lambda command: pytest.fail(f"ran {command}"))  # it would download
    audio = save(np.repeat(programme, 2)[: 15 * RATE], rate=RATE)
    assert choose_model(None) == "panns-cnn14"
    answer = handler({"audio": audio, "top_k": 527, "threshold": 0.01}, None)
    found = {event["label"]: event for event in answer["result"]["predictions"]}
    assert len(found) == 527 and os.environ["HOME"] == home
    assert [model["id"] for model in answer["models"]] == ["panns-cnn14"]

    from panns_inference import AudioTagging

    from containers.common.audio import load_audio

    tagger = AudioTagging(checkpoint_path=str(store / panns.CHECKPOINT), device="cpu")
    samples = load_audio(audio, RATE)
    batch = np.stack([samples[: 10 * RATE], samples[5 * RATE :]])
    expected, _ = tagger.inference(batch)
    assert np.abs(panns.load(store).scores(batch) - expected).max() < 1e-5
    for label, score in zip(tagger.labels, expected.max(axis=0), strict=True):
        assert found[label]["score"] == pytest.approx(score, abs=1e-4)
        assert (found[label]["start_time"], found[label]["end_time"]) == (0, 15)


@pytest.mark.slow
def test_silence_has_no_sounds(store, save):
    assert handler({"audio": save(np.zeros(3 * RATE), rate=RATE)}, None)["result"] == {"predictions": []}
