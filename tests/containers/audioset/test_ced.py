"""CED as sherpa-onnx publishes it: a small network with its inputs and outputs, since the weights are in no
package, run by the true library."""

from pathlib import Path

import numpy as np
import pytest

from containers.audioset import ced
from containers.audioset.app import handler
from containers.audioset.taggers import choose_tagger
from containers.common.errors import UserError
from containers.common.ontology import classes
from tests.containers.networks import make_ced

pytestmark = pytest.mark.slow
LABELS = [name for name, known in classes().items() if known.is_label]
LOUD, QUIET = LABELS.index("Speech"), LABELS.index("Silence")


@pytest.fixture(scope="module")
def store(make_store, tmp_path_factory) -> Path:
    """In it what CED gives depends on how loud the mel bands are on the average."""
    folder = tmp_path_factory.mktemp("ced")
    make_ced(folder, LABELS, LABELS[LOUD], LABELS[QUIET])
    files = {name: folder / name for name in (ced.NETWORK, ced.LABELS)}
    return make_store({"ced-tiny": files, "ced-base": {}, "panns-cnn14": {}, "panns-cnn14-events": {}})


def tag(audio: str, **options: object) -> list[tuple[str, float, float]]:
    answer = handler({"audio": audio, "window": 4, "hop": 4, "top_k": 1, **options}, None)
    assert [model["id"] for model in answer["models"]] == ["ced-tiny"]
    return [(one["label"], one["start_time"], one["end_time"]) for one in answer["result"]["predictions"]]


def test_each_window_has_its_labels(store, save, speech):
    quiet = np.random.default_rng(0).normal(0, 3e-4, 4 * 16_000)
    assert tag(save(np.concatenate([speech[: 8 * 16_000], quiet]))) == [("Speech", 0, 8), ("Silence", 8, 12)]


def test_silence_is_not_looked_at_and_no_window_is_too_short(store, save, speech):
    audio = np.concatenate([np.zeros(4 * 16_000), speech[16_000:16_100]])
    assert tag(save(audio)) in ([("Speech", 4, 4.006)], [("Silence", 4, 4.006)])
    assert tag(save(np.zeros(16_000))) == []


def test_scores_are_those_of_the_network_by_label(store, speech):
    tagger = ced.load(store / "ced-tiny")
    scores = tagger.scores(speech[: 2 * 16_000])
    assert tagger.labels == LABELS
    assert scores[LOUD] + scores[QUIET] == pytest.approx(1, abs=1e-5)
    assert np.count_nonzero(scores) == 2


def test_what_is_chosen(store):
    assert choose_tagger("clip", "auto") == choose_tagger("clip", None) == "ced-tiny"
    assert choose_tagger("events", "auto") == "firered-aed"
    with pytest.raises(UserError, match="'ced-tiny' is no sound tagger for mode events"):
        choose_tagger("events", "ced-tiny")
