"""Which diarizer is taken, and what is said when the store lacks the one that is named."""

from pathlib import Path

import pytest

from containers.common.errors import ModelMissing, UserError
from containers.common.models import store as models
from containers.pyannote.app import handler
from containers.pyannote.diarizers import DIARIZERS, choose_diarizer, diarizer_of
from tasks.stages.options import AnalyzeOptions
from tasks.stages.registry import STAGES
from tests.containers.pyannote.published import list_models

COMMUNITY = "pyannote-community-1/embedding/pytorch_model.bin"
PARTS = [
    "pyannote-diarization-3.1/config.yaml",
    "pyannote-segmentation-3.0/pytorch_model.bin",
    "pyannote-wespeaker/pytorch_model.bin",
]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store that has the files of both pipelines, without weights in them."""
    for name in (COMMUNITY, *PARTS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    list_models(tmp_path)
    monkeypatch.setenv("MEDIAFLOW_MODELS", str(tmp_path))
    monkeypatch.setenv("MEDIAFLOW_CATALOGUE_ADD", str(tmp_path / "catalogue.toml"))
    models.catalogue.cache_clear()
    models.open_model.cache_clear()
    yield tmp_path
    models.catalogue.cache_clear()
    models.open_model.cache_clear()


def test_auto_is_the_best_that_the_store_holds_whole(store):
    assert choose_diarizer("auto") == "community-1"
    assert STAGES["diarize"].weights(AnalyzeOptions()) == ["pyannote-community-1"]
    (store / COMMUNITY).unlink()
    assert choose_diarizer("auto") == "3.1"
    assert STAGES["diarize"].weights(AnalyzeOptions()) == [Path(part).parts[0] for part in PARTS]
    (store / PARTS[2]).unlink()
    assert choose_diarizer("auto") == "starter"
    assert STAGES["diarize"].weights(AnalyzeOptions()) == ["pyannet-segmentation", "ge2e-speaker"]


def test_who_is_named_is_taken(store):
    assert [choose_diarizer(name) for name in DIARIZERS] == ["community-1", "3.1", "starter"]
    assert STAGES["diarize"].weights(AnalyzeOptions(diarizer="starter")) == [
        "pyannet-segmentation",
        "ge2e-speaker",
    ]


@pytest.mark.parametrize(
    ("name", "lost", "model"),
    [
        ("community-1", COMMUNITY, "pyannote-community-1"),
        ("3.1", PARTS[0], "pyannote-diarization-3.1"),
        ("3.1", PARTS[1], "pyannote-segmentation-3.0"),
        ("3.1", PARTS[2], "pyannote-wespeaker"),
    ],
)
def test_one_that_the_store_lacks_is_named_with_the_command_that_fetches_it(
    store, speech_wav, name, lost, model
):
    (store / lost).unlink()
    sentence = (
        rf"^Model '{model}' is not in the store \S+: run `uv run python -m flows.models fetch {model}`\.$"
    )
    with pytest.raises(ModelMissing, match=sentence):
        handler({"audio": speech_wav.as_uri(), "diarizer": name}, None)


def test_one_that_nobody_has_fetched_is_named_too(speech_wav):
    with pytest.raises(ModelMissing, match=r"run `uv run python -m flows.models fetch pyannote-community-1`"):
        handler({"audio": speech_wav.as_uri(), "diarizer": "community-1"}, None)


def test_other_names_are_refused(speech_wav):
    with pytest.raises(UserError, match="diarizer"):
        handler({"audio": speech_wav.as_uri(), "diarizer": "2.1"}, None)


def test_a_voice_tells_its_diarizer():
    assert [diarizer_of(weights.voice) for weights in DIARIZERS.values()] == list(DIARIZERS)
    assert diarizer_of("another") == "auto"
    assert len({weights.voice for weights in DIARIZERS.values()}) == 3, "voices of two never mix"
